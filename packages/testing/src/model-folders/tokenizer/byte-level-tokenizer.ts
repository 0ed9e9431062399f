/** A `tokenizer.json` in the form of GPT-2 and Llama 3: byte pairs over bytes that are written as letters. */
export interface ByteLevelTokenizer {
  /** The content of `tokenizer.json`. */
  readonly file: object;
  readonly idOf: (token: string) => number;
}

export interface ByteLevelOptions {
  /** They get the first ids, in this order. */
  readonly specialTokens: readonly string[];
  /** The size of the model's vocabulary. Entries that are left over are words that no text becomes. */
  readonly vocabularySize: number;
}

const MERGES = 120;

/** What the merges are learned from: the words of questions and answers that tests use. */
const corpus =
  'What do you see in this image? Describe the following picture in a few words, please. How many shapes are there? ' +
  'The image shows a large red cross on a white background, a small blue circle and a green square on the left. ' +
  'Who are you? I am a model that answers questions. Tell me a story about the sea and the sun over the hills. ' +
  'Which of these two is the other one? First, second and third: compare them and say what is different.';

/** GPT-2's letters for bytes: those that can be printed stand for themselves, the others are counted up from U+0100. */
function byteLetters(): string[] {
  const isPrinted = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isPrinted(byte) ? byte : 0x100 + others++),
  );
}

/** Joins the most frequent pair of neighbours, again and again. Ties go to the pair seen first. */
function learnMerges(letters: readonly string[]): [string, string][] {
  let words = corpus
    .split(/(?= )/)
    .map((word) => [...new TextEncoder().encode(word)].map((byte) => letters[byte] ?? ''));
  const merges: [string, string][] = [];
  while (merges.length < MERGES) {
    const counts = new Map<string, { pair: [string, string]; count: number }>();
    for (const word of words) {
      for (let at = 1; at < word.length; at += 1) {
        const pair: [string, string] = [word[at - 1]!, word[at]!];
        const key = pair.join(' ');
        counts.set(key, { pair, count: (counts.get(key)?.count ?? 0) + 1 });
      }
    }
    const [best] = [...counts.values()].sort((a, b) => b.count - a.count);
    if (best === undefined) break;
    merges.push(best.pair);
    words = words.map((word) => join(word, best.pair));
  }
  return merges;
}

function join(word: readonly string[], [left, right]: [string, string]): string[] {
  const joined: string[] = [];
  for (const part of word) {
    if (part === right && joined.at(-1) === left) joined[joined.length - 1] = left + right;
    else joined.push(part);
  }
  return joined;
}

/** Makes a tokenizer of exactly `vocabularySize` entries. Throws a `RangeError` when that is too few. */
export function byteLevelTokenizer({ specialTokens, vocabularySize }: ByteLevelOptions): ByteLevelTokenizer {
  const letters = byteLetters();
  const merges = learnMerges(letters);
  const entries = [...specialTokens, ...letters, ...merges.map((pair) => pair.join(''))];
  if (new Set(entries).size !== entries.length) throw new Error('Two merges gave the same token.');
  if (entries.length > vocabularySize) {
    throw new RangeError(
      `The tokenizer has ${entries.length} entries, the vocabulary only ${vocabularySize}.`,
    );
  }
  for (let at = entries.length; at < vocabularySize; at += 1) entries.push(`Ġw${at}`);
  const ids = new Map(entries.map((entry, id) => [entry, id]));
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    idOf: (token) => {
      const id = ids.get(token);
      if (id === undefined) throw new Error(`The tokenizer has no "${token}".`);
      return id;
    },
    file: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: specialTokens.map((content, id) => ({ id, content, ...flags })),
      normalizer: null,
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel],
      },
      post_processor: null,
      decoder: byteLevel,
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: '',
        end_of_word_suffix: '',
        fuse_unk: false,
        byte_fallback: false,
        vocab: Object.fromEntries(ids),
        merges,
      },
    },
  };
}
