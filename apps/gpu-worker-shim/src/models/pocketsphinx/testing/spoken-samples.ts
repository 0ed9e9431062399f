import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeWav } from '../../../audio/testing/make-wav.js';

/** A recording of a human voice and what was said. */
export interface SpokenSample {
  readonly name: string;
  readonly audio: Uint8Array<ArrayBuffer>;
  readonly words: readonly string[];
}

const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

async function readSamples(spoken: string, folder: string, list: string): Promise<SpokenSample[]> {
  const lines = (await readFile(join(spoken, folder, list), 'utf8')).trim().split('\n');
  return Promise.all(
    lines.map(async (line) => {
      const [, text = '', name = ''] = /^<s>(.*)<\/s> \((.*)\)$/.exec(line) ?? [];
      const audio = new Uint8Array(await readFile(join(spoken, folder, `${name}.wav`)));
      return { name, audio, words: wordsOf(text) };
    }),
  );
}

/** Samples without a header, 16 kHz. */
async function readRaw(spoken: string, file: string, text: string): Promise<SpokenSample> {
  const bytes = await readFile(join(spoken, file));
  const samples = Float32Array.from(
    { length: bytes.length / 2 },
    (_, at) => bytes.readInt16LE(at * 2) / 32_768,
  );
  return { name: file, audio: makeWav(samples), words: wordsOf(text) };
}

/** Five sentences, below the folder of recordings, of a LibriVox reader. */
export const readSentences = (spoken: string) => readSamples(spoken, 'librivox', 'transcription');
/** Five lists of playing cards. */
export const readCards = (spoken: string) => readSamples(spoken, 'cards', 'cards.transcription');
/** A command and five digits. */
export const readCommands = (spoken: string) =>
  Promise.all([
    readRaw(spoken, 'goforward.raw', 'go forward ten meters'),
    readRaw(spoken, 'tidigits/dhd.2934z.raw', 'two nine three four zero'),
  ]);

/** Words to put in, take out or replace until one text is the other (Levenshtein). */
export function wordErrors(expected: readonly string[], heard: readonly string[]): number {
  let row = heard.map((_, at) => at + 1);
  for (const [line, word] of expected.entries()) {
    let diagonal = line;
    let left = line + 1;
    row = row.map((above, at) => {
      left = Math.min(above + 1, left + 1, diagonal + (word === heard[at] ? 0 : 1));
      diagonal = above;
      return left;
    });
  }
  return row.at(-1) ?? expected.length;
}
