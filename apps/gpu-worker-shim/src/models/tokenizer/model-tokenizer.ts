import { webcrypto } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FoveaError } from '@fovea/errors';
import { Admission } from '../../engine/admission.js';
import { type Calls, CallThread } from '../../engine/threads/call-thread.js';
import type { TokenizerAnswer, TokenizerCall } from './tokenizer-protocol.js';

type Thread = Calls<TokenizerCall, TokenizerAnswer>;

/** About 12 s of work; nobody else's text is cut meanwhile. */
const MAX_CHARACTERS = 4 * 2 ** 20;
const MAX_IDS = 2 ** 20;
/** Calls that may wait for those before them. */
const MAX_WAITING = 64;

function assertLength(param: 'prompt' | 'tokens', actual: number, value: number, unit: string): void {
  if (actual <= value) return;
  throw new FoveaError('INVALID_REQUEST', {
    message: `${param} must have at most ${value} ${unit}, has ${actual}.`,
    param,
    limit: { name: `max_${unit}`, value, actual },
  });
}

/**
 * The tokenizer of a model folder, for those who ask for tokens alone. It works in a thread of its own, which the first
 * call starts: most servers are never asked, and a long text holds up no prompt.
 */
export class ModelTokenizer {
  private readonly admission = new Admission(1, MAX_WAITING);
  private thread: Promise<Thread> | undefined;

  private constructor(private readonly folder: string) {}

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
    assertLength('prompt', text.length, MAX_CHARACTERS, 'characters');
    return this.call({ text, ...options }, signal);
  }

  /** Throws `INVALID_REQUEST` for an id that no token has and for too many, and `QUEUE_FULL`. */
  async detokenize(ids: readonly number[], skipSpecialTokens: boolean, signal: AbortSignal): Promise<string> {
    assertLength('tokens', ids.length, MAX_IDS, 'tokens');
    return (await this.call({ ids, skipSpecialTokens }, signal)).text;
  }

  /** The file itself, and an entity tag of its bytes. */
  async file(): Promise<{ bytes: Buffer; etag: string }> {
    const bytes = await readFile(join(this.folder, 'tokenizer.json'));
    // Hashed by libuv's threads: it may have tens of megabytes.
    const digest = await webcrypto.subtle.digest('SHA-256', new Uint8Array(bytes));
    return { bytes, etag: `"${Buffer.from(digest).toString('base64url')}"` };
  }

  async close(): Promise<void> {
    await (await this.thread?.catch(() => undefined))?.close();
  }

  private async call(call: TokenizerCall, signal: AbortSignal): Promise<TokenizerAnswer> {
    const place = this.admission.enter(1);
    try {
      return await (await this.open()).call(call, signal);
    } finally {
      place.release();
    }
  }

  /** The thread; a new one where the last one died. */
  private async open(): Promise<Thread> {
    const starting = this.start();
    const thread = await starting;
    if (thread.isHealthy) return thread;
    if (this.thread === starting) this.thread = undefined;
    return this.start();
  }

  /** One for all who come while it starts; the next call tries again when it cannot. */
  private start(): Promise<Thread> {
    if (this.thread !== undefined) return this.thread;
    const starting = CallThread.start<TokenizerCall, TokenizerAnswer, undefined>(
      'models/tokenizer/tokenizer-entry.js',
      { folder: this.folder },
    ).then(({ thread }) => thread);
    this.thread = starting;
    starting.catch(() => {
      this.thread = undefined;
    });
    return starting;
  }
}
