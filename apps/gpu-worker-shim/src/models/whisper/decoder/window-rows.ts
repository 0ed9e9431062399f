import { type InferenceSession, Tensor } from 'onnxruntime-node';
import {
  floatsOf,
  int64Tensor,
  openSession,
  type SessionSettings,
  tensorFacts,
} from '../../../engine/onnx-session.js';
import { type CacheFacts, readCacheFacts } from './cache-facts.js';
import { SoundPool, type SoundSlot } from './sound-pool.js';

type Floats = Float32Array<ArrayBufferLike>;

/** A window that is being written: what the decoder has seen of it. */
export interface WindowRow {
  /** Tokens that were fed. */
  readonly length: number;
}

interface OwnRow {
  length: number;
  readonly slot: SoundSlot;
  /** `[heads][length][headSize]` of each tensor of the tokens; often part of a batch's array. */
  tokens: readonly Floats[];
  readonly prompt: { readonly length: number; readonly tokens: readonly Floats[] };
}

/** The encoder's view of one window: `[places, size]`. */
export interface EncodedSound {
  readonly values: Floats;
  readonly places: number;
  readonly size: number;
}

/** Logits of a prompt, by the place of the token. The arrays may be changed. */
export type PromptLogits = (place: number) => Floats;

const FLOAT_BYTES = 4;

/**
 * Whisper's decoder with its running windows. The graph has neither mask nor positions: it takes the length of its cache
 * for the position, so windows step together when they are equally long. Keys and values of the sound are many times
 * larger than those of the tokens; they are fetched once and stay where they are.
 */
export class WindowRows {
  private readonly pool: SoundPool;
  private readonly sounds: readonly CacheFacts[];
  private readonly tokens: readonly CacheFacts[];
  private rows: OwnRow[] = [];

  private constructor(
    private readonly session: InferenceSession,
    caches: readonly CacheFacts[],
    private readonly places: number,
    private readonly size: number,
  ) {
    this.sounds = caches.filter(({ isOfSound }) => isOfSound);
    this.tokens = caches.filter(({ isOfSound }) => !isOfSound);
    // The encoder's view is fed to every step: that exports do not look at it then is their affair.
    this.pool = new SoundPool([
      ...this.sounds.map(({ heads, headSize }) => heads * places * headSize),
      places * size,
    ]);
  }

  /** @param sound what the encoder gives for a window: its sizes count */
  static async open(
    file: string,
    settings: SessionSettings,
    { places, size }: Pick<EncodedSound, 'places' | 'size'>,
  ): Promise<WindowRows> {
    const session = await openSession(file, settings);
    try {
      const caches = readCacheFacts(tensorFacts(session.inputMetadata), tensorFacts(session.outputMetadata));
      return new WindowRows(session, caches, places, size);
    } catch (error) {
      throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Of one window with that many tokens. */
  bytesPerRow(tokens: number): number {
    const sound = this.sounds.reduce((sum, { heads, headSize }) => sum + heads * headSize, this.size);
    const own = this.tokens.reduce((sum, { heads, headSize }) => sum + heads * headSize, 0);
    return (sound * this.places + own * tokens) * FLOAT_BYTES;
  }

  /** Feeds tokens of a window of which only the logits matter. */
  async look(sound: EncodedSound, ids: readonly number[]): Promise<PromptLogits> {
    return this.logitsOf(await this.session.run(this.promptFeeds(sound, ids), ['logits']), ids.length);
  }

  /** Feeds the prompt of a window and makes a row of it. */
  async begin(
    sound: EncodedSound,
    ids: readonly number[],
  ): Promise<{ row: WindowRow; logits: PromptLogits }> {
    const fetched = [...this.sounds, ...this.tokens].map(({ present }) => present);
    const outputs = await this.session.run(this.promptFeeds(sound, ids), ['logits', ...fetched]);
    const tokens = this.tokens.map(({ present }) => floatsOf(outputs, present));
    const heard = this.sounds.map(({ present }) => floatsOf(outputs, present));
    const slot = this.pool.join([...heard, sound.values]);
    const row: OwnRow = { length: ids.length, slot, tokens, prompt: { length: ids.length, tokens } };
    this.rows = [...this.rows, row];
    return { row, logits: this.logitsOf(outputs, ids.length) };
  }

  /** Goes back to the end of the prompt. */
  rewind(row: WindowRow): void {
    const own = this.ownRow(row);
    own.length = own.prompt.length;
    own.tokens = own.prompt.tokens;
  }

  /**
   * Feeds one token to each row; they must be equally long. Gives logits in the order of the rows; the arrays may be
   * changed. When it throws, all rows are as they were.
   */
  async step(steps: readonly { readonly row: WindowRow; readonly token: number }[]): Promise<Floats[]> {
    const mine = steps.map(({ row, token }) => ({ row: this.ownRow(row), token }));
    this.bringTogether(mine.map(({ row }) => row));
    const ordered = [...mine].sort((a, b) => a.row.slot.index - b.row.slot.index);
    const count = ordered.length;
    const { length, slot } = ordered[0]!.row;
    const feeds: Record<string, Tensor> = {
      input_ids: int64Tensor(
        ordered.map(({ token }) => token),
        [count, 1],
      ),
      encoder_hidden_states: new Tensor('float32', this.pool.slice(this.sounds.length, slot.index, count), [
        count,
        this.places,
        this.size,
      ]),
      use_cache_branch: new Tensor('bool', [true], [1]),
    };
    for (const [at, { past, heads, headSize }] of this.sounds.entries()) {
      const shape = [count, heads, this.places, headSize];
      feeds[past] = new Tensor('float32', this.pool.slice(at, slot.index, count), shape);
    }
    for (const [at, { past, heads, headSize }] of this.tokens.entries()) {
      const batch = joinRows(ordered.map(({ row }) => row.tokens[at]!));
      feeds[past] = new Tensor('float32', batch, [count, heads, length, headSize]);
    }
    const outputs = await this.session.run(feeds, ['logits', ...this.tokens.map(({ present }) => present)]);
    const given = this.tokens.map(({ present }) => floatsOf(outputs, present));
    const logits = this.logitsOf(outputs, count);
    const results = new Map<OwnRow, Floats>();
    for (const [place, { row }] of ordered.entries()) {
      row.tokens = given.map((all) => partOf(all, place, count));
      row.length += 1;
      results.set(row, logits(place));
    }
    return mine.map(({ row }) => results.get(row)!);
  }

  /** Gives back what a row holds; once per row. */
  release(row: WindowRow): void {
    const own = this.ownRow(row);
    this.rows = this.rows.filter((other) => other !== own);
    this.pool.leave(own.slot);
  }

  close(): Promise<void> {
    return this.session.release();
  }

  private ownRow(row: WindowRow): OwnRow {
    const own = this.rows.find((other) => other === row);
    if (own === undefined) throw new Error('The window is not open.');
    return own;
  }

  /** Rows of a batch have to lie side by side. Those of one length go on together, so this happens when rows come or leave. */
  private bringTogether(batch: readonly OwnRow[]): void {
    const places = batch.map(({ slot }) => slot.index);
    if (Math.max(...places) - Math.min(...places) === batch.length - 1) return;
    const others = this.rows.filter((row) => !batch.includes(row));
    const byPlace = (a: OwnRow, b: OwnRow) => b.length - a.length || a.slot.index - b.slot.index;
    this.pool.arrange([...others.sort(byPlace), ...[...batch].sort(byPlace)].map(({ slot }) => slot));
  }

  private promptFeeds(sound: EncodedSound, ids: readonly number[]): Record<string, Tensor> {
    const empty = [...this.sounds, ...this.tokens].map(
      ({ past, heads, headSize }) =>
        [past, new Tensor('float32', new Float32Array(), [1, heads, 0, headSize])] as const,
    );
    return {
      ...Object.fromEntries(empty),
      input_ids: int64Tensor(ids, [1, ids.length]),
      encoder_hidden_states: new Tensor('float32', sound.values, [1, this.places, this.size]),
      use_cache_branch: new Tensor('bool', [false], [1]),
    };
  }

  private logitsOf(outputs: InferenceSession.OnnxValueMapType, places: number): PromptLogits {
    const all = floatsOf(outputs, 'logits');
    return (place) => partOf(all, place, places);
  }
}

const partOf = (all: Floats, place: number, count: number): Floats => {
  const size = all.length / count;
  return all.subarray(place * size, (place + 1) * size);
};

/** Rows after each other; as they lie when they are the parts of one array in this order. */
function joinRows(rows: readonly Floats[]): Floats {
  const [first] = rows;
  if (first === undefined) return new Float32Array();
  const size = first.length;
  const isOneArray = rows.every(
    ({ buffer, byteOffset }, at) =>
      buffer === first.buffer && byteOffset === first.byteOffset + at * size * FLOAT_BYTES,
  );
  if (isOneArray) return new Float32Array(first.buffer, first.byteOffset, rows.length * size);
  const joined = new Float32Array(rows.length * size);
  for (const [at, row] of rows.entries()) joined.set(row, at * size);
  return joined;
}
