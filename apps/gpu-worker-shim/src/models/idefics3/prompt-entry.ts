import { parentPort, workerData } from 'node:worker_threads';
import { servePrompts } from '../language/serve-prompts.js';
import { Idefics3Prompt } from './prompt/idefics3-prompt.js';
import type { PromptThreadSettings } from './thread-settings.js';

const settings: PromptThreadSettings = workerData;

await servePrompts(parentPort, settings, (chat) => new Idefics3Prompt({ ...settings, ...chat }));
