import { z } from 'zod';
import { postJson } from './post-json.js';

const answerSchema = z.object({
  choices: z.array(z.object({ token_ids: z.array(z.number()) })).length(1),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }),
});

/** One question to an engine, answered greedily. */
export interface Chat {
  readonly text: string;
  readonly maxTokens: number;
  /** Data URLs. */
  readonly images?: readonly string[];
  /** Go on to `maxTokens` whatever the model says. */
  readonly ignoreEos?: boolean;
}

/** A prompt as token ids, without the model's template, gone on with greedily. */
export interface RawPrompt {
  readonly promptIds: readonly number[];
  readonly maxTokens: number;
  readonly ignoreEos?: boolean;
}

export interface Chats {
  /** From the first question to the last answer. */
  readonly tookMs: number;
  /** Generated ones of all answers. */
  readonly tokens: number;
  /** Tokens of each answer, in the order of the questions. */
  readonly tokenIds: readonly (readonly number[])[];
  readonly promptTokens: readonly number[];
}

const toBody = ({ text, maxTokens, images = [], ignoreEos = false }: Chat) => ({
  messages: [
    {
      role: 'user',
      content: [...images.map((url) => ({ type: 'image_url', image_url: { url } })), { type: 'text', text }],
    },
  ],
  max_tokens: maxTokens,
  temperature: 0,
  ignore_eos: ignoreEos,
});

const pathOf = (url: string): string => `${url}/v1/chat/completions`;

/** Where a request goes, and what is sent there. */
const toPost = (url: string, request: Chat | RawPrompt): { path: string; body: object } =>
  'text' in request
    ? { path: pathOf(url), body: toBody(request) }
    : {
        path: `${url}/v1/completions`,
        body: {
          prompt: request.promptIds,
          max_tokens: request.maxTokens,
          temperature: 0,
          ignore_eos: request.ignoreEos ?? false,
        },
      };

function post(url: string, body: object, signal: AbortSignal): Promise<Response> {
  return fetch(pathOf(url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
}

/** Asks all of them, so many at a time. Throws when one is not answered. */
export async function askAll(
  url: string,
  requests: readonly (Chat | RawPrompt)[],
  atOnce: number,
  signal: AbortSignal,
): Promise<Chats> {
  const answers: z.infer<typeof answerSchema>[] = [];
  let next = 0;
  const startedAtMs = performance.now();
  const askNext = async (): Promise<void> => {
    for (let at = next++; at < requests.length; at = next++) {
      const { path, body } = toPost(url, requests[at]!);
      const text = await postJson(path, { ...body, return_token_ids: true }, signal);
      answers[at] = answerSchema.parse(JSON.parse(text));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, askNext));
  return {
    tookMs: performance.now() - startedAtMs,
    tokens: answers.reduce((sum, { usage }) => sum + usage.completion_tokens, 0),
    tokenIds: answers.map(({ choices }) => choices[0]!.token_ids),
    promptTokens: answers.map(({ usage }) => usage.prompt_tokens),
  };
}

/** Asks with a stream and hangs up after the first token; resolves with the milliseconds until it came. */
export async function timeToFirstToken(url: string, chat: Chat, signal: AbortSignal): Promise<number> {
  const startedAtMs = performance.now();
  const response = await post(url, { ...toBody(chat), stream: true }, signal);
  const reader = response.body?.getReader();
  const first = await reader?.read();
  const tookMs = performance.now() - startedAtMs;
  if (response.status !== 200 || first?.value === undefined) throw new Error(`no stream: ${response.status}`);
  await reader?.cancel();
  return tookMs;
}

/** Asks with a stream and reads it to the end, or hangs up after so many chunks. */
export async function readStream(
  url: string,
  chat: Chat,
  chunks: number,
  signal: AbortSignal,
): Promise<void> {
  const response = await post(url, { ...toBody(chat), stream: true }, signal);
  if (response.status !== 200)
    throw new Error(`the engine answered ${response.status}: ${await response.text()}`);
  const reader = response.body?.getReader();
  for (let read = 0; read < chunks; read += 1) {
    if ((await reader?.read())?.done !== false) return;
  }
  await reader?.cancel();
}

/** One of the engine's counters or gauges. Throws when it is not there. */
export async function readMetric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`vllm:${name}{`));
  if (line === undefined) throw new Error(`the engine has no metric ${name}`);
  return Number(line.split(' ').at(-1));
}
