import type { ChatGeneration, EngineMessage, EnginePart } from '@fovea/backends';
import {
  type ChatContent,
  type ChatJob,
  type ChatMessage,
  type ContentPart,
  chatContentSchema,
  type Sampling,
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

/**
 * Reads long content from its blob, has the images made fit, and builds what the engine gets. Images are read when they are
 * sent. The signal aborts all this.
 *
 * A blob that is gone or does not hold what the envelope promises is our failure, not the client's: `INTERNAL`, from here
 * or from the image's chunks. An image that is damaged is `INVALID_IMAGE`, with its path.
 */
export async function buildChatGeneration(
  job: ChatJob,
  model: ServedModel,
  ports: RequestPorts,
  signal: AbortSignal,
): Promise<ChatGeneration> {
  const prompt = new PromptText(ports.visionTokens);
  const source: ChatSource = { job, ports, prompt, signal };
  const { toolChoice, parallelToolCalls, sampling } = job.task;
  const { messages, tools, responseFormat, extensions } = await readContent(source);
  const request: ChatGeneration = {
    kind: 'chat',
    ...requestHead(job, model, ports),
    messages: await toEngineMessages(messages, source),
    sampling: boundSampling(sampling, model.maximumCompletionTokens),
    ...(tools === undefined ? {} : { tools: prompt.tools(tools) }),
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(parallelToolCalls === undefined ? {} : { parallelToolCalls }),
    ...(responseFormat === undefined ? {} : { responseFormat }),
    ...(extensions === undefined ? {} : { extensions }),
  };
  if (prompt.broken > 0) ports.onTokensBroken(job.model, prompt.broken);
  return request;
}

interface ChatSource extends RequestSource {
  readonly job: ChatJob;
}

async function readContent(source: ChatSource): Promise<ChatContent> {
  const { task } = source.job;
  const { messages } = task;
  if (Array.isArray(messages)) return { ...task, messages };
  return readLongContent(source, messages.blob, chatContentSchema, 'messages');
}

/** One after the other: a request with a hundred pictures gets no more of the image workers than one with two. */
async function toEngineMessages(
  messages: readonly ChatMessage[],
  source: RequestSource,
): Promise<EngineMessage[]> {
  const all: EngineMessage[] = [];
  for (const message of messages) all.push(await toEngineMessage(message, source));
  return all;
}

async function toEngineMessage(message: ChatMessage, source: RequestSource): Promise<EngineMessage> {
  const { prompt } = source;
  const { role, name, toolCalls, toolCallId } = message;
  const more = {
    ...(name === undefined ? {} : { name: prompt.text(name) }),
    ...(toolCalls === undefined ? {} : { toolCalls: toolCalls.map((call) => prompt.toolCall(call)) }),
    ...(toolCallId === undefined ? {} : { toolCallId: prompt.text(toolCallId) }),
  };
  const text = message.plain === true ? plainText(message.content) : undefined;
  if (text !== undefined) return { role, content: prompt.text(text), ...more };
  const content: EnginePart[] = [];
  for (const part of message.content) content.push(await toEnginePart(part, source));
  return { role, content, ...more };
}

/** The text of a message that holds nothing else. */
function plainText(content: readonly ContentPart[]): string | undefined {
  let joined = '';
  for (const part of content) {
    if (part.type !== 'text') return undefined;
    joined += part.text;
  }
  return joined;
}

async function toEnginePart(part: ContentPart, source: RequestSource): Promise<EnginePart> {
  if (part.type === 'text') return { type: 'text', text: source.prompt.text(part.text) };
  return { type: 'image', image: await engineImageOf(part, source) };
}

function boundSampling(sampling: Sampling, maximum: number | null): Sampling {
  const maxTokens = boundTokens(sampling.maxTokens, maximum);
  return maxTokens === undefined ? sampling : { ...sampling, maxTokens };
}
