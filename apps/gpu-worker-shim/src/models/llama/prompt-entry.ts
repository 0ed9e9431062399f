import { parentPort, workerData } from 'node:worker_threads';
import { ChatPrompt } from '../language/chat-prompt.js';
import { servePrompts } from '../language/serve-prompts.js';

await servePrompts(parentPort, workerData, (settings) => new ChatPrompt(settings));
