import { basename, dirname } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { z } from 'zod';
import { readTokenBytes, tokenizerFileSchema } from '../../engine/text/token-text.js';
import { serveCalls } from '../../engine/threads/serve-calls.js';
import { readModelFile } from '../model-folder.js';
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

const readFields = <T>(file: string, schema: z.ZodType<T>): Promise<T> =>
  readModelFile(dirname(file), basename(file), schema);

/** Serves prompts on a worker thread: messages in, token ids out. What `create` throws is told with the file's name. */
export async function servePrompts<Chat>(
  port: MessagePort | null,
  files: PromptFiles,
  create: (settings: ChatPromptSettings) => PromptEncoder<Chat>,
): Promise<void> {
  if (port === null) throw new Error('This file is started as a worker thread.');
  await serveCalls<PromptCall<Chat>, EncodedPrompt, PromptThreadFacts>(port, async () => {
    const tokenizer = await readFields(files.tokenizerFile, tokenizerFileSchema);
    const config = await readFields(files.tokenizerConfigFile, z.record(z.string(), z.unknown()));
    try {
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
