/** A word as the decoder heard it. Times are in seconds from the beginning of the sound. */
export interface HeardWord {
  readonly text: string;
  readonly startS: number;
  readonly endS: number;
  /** How probable it is, 0 to 1. */
  readonly probability: number;
}

/** Words without a longer pause between them; at least one. */
export type Utterance = readonly HeardWord[];

/** `forward 0.640 1.160 0.996207`; the other lines are whole texts. */
const WORD_LINE = /^(\S+) (\d+\.\d+) (\d+\.\d+) (\S+)$/;
/** Begins each utterance. */
const BEGINNING = '<s>';
/** `<sil>`, `</s>`, `[NOISE]`, `[COUGH]`: nothing that was said. */
const FILLER = /^(<.*>|\[.*\]|\+\+.*\+\+)$/;
/** `and(2)`: the dictionary's second way of saying it. */
const VARIANT = /\(\d+\)$/;
/** A frame is a hundredth of a second, and the last one is named. */
const FRAME_S = 0.01;

const isHeard = (utterance: Utterance): boolean => utterance.length > 0;

/** Reads what `pocketsphinx_continuous -time yes` prints. */
export function readUtterances(output: string): Utterance[] {
  const utterances: HeardWord[][] = [];
  for (const line of output.split('\n')) {
    const [, text, start, end, probability] = WORD_LINE.exec(line) ?? [];
    if (text === undefined) continue;
    if (text === BEGINNING || utterances.length === 0) utterances.push([]);
    if (FILLER.test(text)) continue;
    utterances.at(-1)?.push({
      text: text.replace(VARIANT, ''),
      startS: Number(start),
      endS: Number(end) + FRAME_S,
      // Its arithmetic is in logarithms of a coarse base: a little over 1 occurs.
      probability: Math.min(1, Math.max(0, Number(probability) || 0)),
    });
  }
  return utterances.filter(isHeard);
}
