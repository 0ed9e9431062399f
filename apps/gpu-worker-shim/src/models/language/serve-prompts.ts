import { readFile } from 'node:fs/promises';
import type { MessagePort } from 'node:worker_threads';
import { z } from 'zod';
import { readTokenBytes, tokenizerFileSchema } from '../../engine/text/token-text.js';
import { serveCalls } from '../../engine/threads/serve-calls.js';
import type { ChatPromptSettings } from './chat-prompt.js';
import type { EncodedPrompt, RawPromptRequest } from './raw-prompt.js';

/** What a prompt thread needs to start. */
export interface PromptFiles {
  readonly tokenizerFile: string;
  readonly tokenizerConfigFile: string;
  readonly chatTemplate: string;
}

export interface PromptThreadFacts {
  /** No token stands for more bytes, so longer text than context × this cannot fit. */
  readonly longestTokenBytes: number;
}

/** What a prompt thread is asked for: a chat in the form of its family, or a raw prompt. */
export type PromptCall<Chat> = { readonly chat: Chat } | { readonly raw: RawPromptRequest };

/** Turns the requests of a family into token ids. */
interface PromptEncoder<Chat> {
  encode(request: Chat): Int32Array<ArrayBuffer>;
  encodeRaw(request: RawPromptRequest): EncodedPrompt;
}

const readJson = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'));

/** Serves prompts on a worker thread: messages in, token ids out. What `create` throws is told with the file's name. */
export async function servePrompts<Chat>(
  port: MessagePort | null,
  files: PromptFiles,
  create: (settings: ChatPromptSettings) => PromptEncoder<Chat>,
): Promise<void> {
  if (port === null) throw new Error('This file is started as a worker thread.');
  await serveCalls<PromptCall<Chat>, EncodedPrompt, PromptThreadFacts>(port, async () => {
    try {
      const tokenizer = tokenizerFileSchema.parse(await readJson(files.tokenizerFile));
      const config = z.record(z.string(), z.unknown()).parse(await readJson(files.tokenizerConfigFile));
      const { chatTemplate } = files;
      const encoder = create({ tokenizer, tokenizerConfig: config, chatTemplate });
      return {
        facts: { longestTokenBytes: readTokenBytes(tokenizer).longest },
        answer: async (call) =>
          'raw' in call ? encoder.encodeRaw(call.raw) : { ids: encoder.encode(call.chat) },
        transfer: ({ ids }) => [ids.buffer],
        close: async () => undefined,
      };
    } catch (error) {
      throw new Error(`${files.tokenizerFile}: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
}
