import type { CompletionGeneration, EnginePromptItem } from '@fovea/backends';
import {
  type CompletionContent,
  type CompletionTask,
  completionContentSchema,
  type JobOf,
  type PromptItem,
} from '@fovea/schemas/jobs';
import { PromptText } from './prompt-text.js';
import {
  boundTokens,
  engineImageOf,
  type RequestPorts,
  type RequestSource,
  readLongContent,
  requestHead,
  type ServedModel,
} from './request-source.js';

export type CompletionJob = JobOf<CompletionTask>;

/**
 * Reads long prompts from their blob, has the images made fit, and builds what the engine gets. Fails as
 * `buildChatGeneration` does.
 *
 * An image without a crop is read as the square in its middle, as luminous models do; the engine cuts it out, for it
 * decodes the image anyway.
 */
export async function buildCompletionGeneration(
  job: CompletionJob,
  model: ServedModel,
  ports: RequestPorts,
  signal: AbortSignal,
): Promise<CompletionGeneration> {
  const prompt = new PromptText(ports.visionTokens);
  const source: RequestSource = { job, ports, prompt, signal };
  const { sampling, echo } = job.task;
  const { prompts, responseFormat, extensions } = await readContent(job, source);
  const { maximumCompletionTokens: maximum, contextTokens } = model;
  const maxTokens = sampling.maxTokens === undefined ? undefined : boundTokens(sampling.maxTokens, maximum);
  const request: CompletionGeneration = {
    kind: 'completion',
    ...requestHead(job, model, ports),
    prompts: await toEnginePrompts(prompts, source),
    sampling: maxTokens === undefined ? sampling : { ...sampling, maxTokens },
    contextTokens,
    ...(maximum === null ? {} : { maximumTokens: maximum }),
    ...(echo === undefined ? {} : { echo }),
    ...(responseFormat === undefined ? {} : { responseFormat }),
    ...(extensions === undefined ? {} : { extensions }),
  };
  if (prompt.broken > 0) ports.onTokensBroken(job.model, prompt.broken);
  return request;
}

async function readContent({ task }: CompletionJob, source: RequestSource): Promise<CompletionContent> {
  const { prompts } = task;
  if (Array.isArray(prompts)) return { ...task, prompts };
  return readLongContent(source, prompts.blob, completionContentSchema, 'prompts');
}

async function toEnginePrompts(
  prompts: CompletionContent['prompts'],
  source: RequestSource,
): Promise<EnginePromptItem[][]> {
  const all: EnginePromptItem[][] = [];
  for (const items of prompts) {
    const prompt: EnginePromptItem[] = [];
    // One after the other: a request with many pictures gets no more of the image workers than one with two.
    for (const item of items) prompt.push(await toEngineItem(item, source));
    all.push(prompt);
  }
  return all;
}

async function toEngineItem(item: PromptItem, source: RequestSource): Promise<EnginePromptItem> {
  switch (item.type) {
    case 'text':
      return { type: 'text', text: source.prompt.text(item.text) };
    case 'token-ids':
      return item;
    case 'image':
      return { type: 'image', image: await engineImageOf(item, source), crop: item.crop ?? 'center' };
  }
}
