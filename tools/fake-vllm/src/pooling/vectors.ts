import { encode, hash } from '../tokenizer/vocabulary.js';

/** Where one word points: `size` numbers between -1 and 1, from its letters alone. */
function direction(word: string, size: number): Float64Array {
  const vector = new Float64Array(size);
  let state = hash(word) || 1;
  for (let at = 0; at < size; at += 1) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    vector[at] = ((state >>> 0) / 0xffffffff) * 2 - 1;
  }
  return vector;
}

function normalise(vector: Float64Array): number[] {
  const length = Math.hypot(...vector) || 1;
  return [...vector].map((value) => Math.fround(value / length));
}

/** A unit vector: the sum of the directions of its words, so texts that share words are near each other. */
export function embed(words: readonly string[], size: number): number[] {
  const sum = new Float64Array(size);
  for (const word of words.length === 0 ? [''] : words) {
    direction(word, size).forEach((value, at) => {
      sum[at] = (sum[at] ?? 0) + value;
    });
  }
  return normalise(sum);
}

/** The first `size` numbers of an embedding, at unit length again, as Matryoshka models are used. */
export function shorten(embedding: readonly number[], size: number): number[] {
  return normalise(Float64Array.from(embedding.slice(0, size)));
}

/** Lower-case words without punctuation: what counts as the same for embeddings and scores. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** How well a document answers a query, 0–1: by the angle between their words. */
export function relevance(query: string, document: string): number {
  const size = 64;
  const a = embed(wordsOf(query), size);
  const b = embed(wordsOf(document), size);
  const cosine = a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
  return 1 / (1 + Math.exp(-6 * cosine));
}

/** Prompt tokens of a text for a pooling model: its words, a start and an end. */
export function poolingIds(text: string): number[] {
  return [0, ...encode(text), 2];
}
