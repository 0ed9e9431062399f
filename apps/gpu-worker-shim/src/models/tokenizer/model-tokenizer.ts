import { webcrypto } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CallThread } from '../../engine/threads/call-thread.js';
import { SpareThread } from '../../engine/threads/spare-thread.js';
import { assertTextLength, assertTokenCount, MAX_WAITING_CALLS } from './tokenizer-limits.js';
import type { TokenizerAnswer, TokenizerCall } from './tokenizer-protocol.js';

/**
 * The tokenizer of a model folder, for those who ask for tokens alone. It works in a thread of its own, so that a long
 * text holds up no prompt.
 */
export class ModelTokenizer {
  private readonly thread: SpareThread<TokenizerCall, TokenizerAnswer>;

  private constructor(private readonly folder: string) {
    const script = 'models/tokenizer/tokenizer-entry.js';
    this.thread = new SpareThread(() => CallThread.start(script, { folder }), MAX_WAITING_CALLS);
  }

  /** Undefined for a folder without `tokenizer.json`. */
  static async find(folder: string): Promise<ModelTokenizer | undefined> {
    const isThere = await access(join(folder, 'tokenizer.json')).then(
      () => true,
      () => false,
    );
    return isThere ? new ModelTokenizer(folder) : undefined;
  }

  /** Throws `INVALID_REQUEST` for too long a text and `QUEUE_FULL`. */
  async tokenize(
    text: string,
    options: { readonly addSpecialTokens: boolean; readonly wantsTokens: boolean },
    signal: AbortSignal,
  ): Promise<Pick<TokenizerAnswer, 'ids' | 'tokens'>> {
    assertTextLength(text.length, 'prompt');
    return this.thread.call({ text, ...options }, signal);
  }

  /** Throws `INVALID_REQUEST` for an id that no token has and for too many, and `QUEUE_FULL`. */
  async detokenize(ids: readonly number[], skipSpecialTokens: boolean, signal: AbortSignal): Promise<string> {
    assertTokenCount(ids.length, 'tokens');
    return (await this.thread.call({ ids, skipSpecialTokens }, signal)).text;
  }

  /** How the vocabulary spells tokens; an id that no token has is empty. Throws `QUEUE_FULL`. */
  async spell(ids: Int32Array, signal: AbortSignal): Promise<readonly string[]> {
    return (await this.thread.call({ spell: ids }, signal)).tokens ?? [];
  }

  /** The file itself, and an entity tag of its bytes. */
  async file(): Promise<{ bytes: Buffer; etag: string }> {
    const bytes = await readFile(join(this.folder, 'tokenizer.json'));
    // Hashed by libuv's threads: it may have tens of megabytes.
    const digest = await webcrypto.subtle.digest('SHA-256', new Uint8Array(bytes));
    return { bytes, etag: `"${Buffer.from(digest).toString('base64url')}"` };
  }

  close(): Promise<void> {
    return this.thread.close();
  }
}
