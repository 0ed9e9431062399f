import { describe, expect, it } from '@jest/globals';
import { SamplerScratch } from './sampling/sampler.js';
import { Sequence, type SequencePiece, type SequenceSettings } from './sequence.js';
import { greedy, letters } from './testing/fake-decoder.js';

const idOf = (letter: string) => letter.charCodeAt(0) - 96;

/** Feeds rows whose best token spells `script` (`.` is the end token) until the sequence ends. */
function run(script: string, settings: Partial<SequenceSettings> = {}): SequencePiece[] {
  const own = { ...greedy, ...settings };
  const sequence = new Sequence(2, own, [], letters, new SamplerScratch(letters.size));
  const pieces: SequencePiece[] = [];
  for (const letter of script) {
    const row = new Float32Array(letters.size);
    row[letter === '.' ? 0 : idOf(letter)] = 10;
    row[idOf('z')]! += 5;
    pieces.push(sequence.accept(row));
    if (sequence.hasEnded) break;
  }
  return pieces;
}

const text = (pieces: SequencePiece[]) => pieces.map((piece) => piece.text).join('');

describe('a sequence', () => {
  it.each<[string, Partial<SequenceSettings>, boolean]>([
    ['greedy', {}, false],
    ['sampled', { temperature: 1 }, true],
    ['told with log probabilities', { topLogprobs: 0 }, true],
    ['biased', { logitBias: new Map([[1, 2]]) }, true],
    ['penalised', { repetitionPenalty: 1.1 }, true],
  ])('that is %s, with %j, wants logits: %j', (_how, settings, wantsLogits) => {
    const own = { ...greedy, ...settings };
    expect(new Sequence(0, own, [], letters, new SamplerScratch(letters.size)).wantsLogits).toBe(wantsLogits);
  });

  it('wants logits until it may end, then only the best token', () => {
    const own = { ...greedy, minTokens: 2 };
    const sequence = new Sequence(0, own, [], letters, new SamplerScratch(letters.size));
    const row = new Float32Array(letters.size);
    row[idOf('a')] = 1;
    const wanted = [sequence.wantsLogits];
    for (let step = 0; step < 2; step += 1) {
      sequence.accept(row);
      wanted.push(sequence.wantsLogits);
    }
    expect(wanted).toEqual([true, true, false]);
    expect(sequence.accept(idOf('b'))).toMatchObject({
      text: 'b',
      tokenIds: [idOf('b')],
      completionTokens: 3,
    });
  });

  it('ends at the end token, which counts but has no text', () => {
    const pieces = run('ab.c');
    expect(text(pieces)).toBe('ab');
    expect(pieces.at(-1)).toEqual({
      index: 2,
      text: '',
      tokenIds: [0],
      completionTokens: 3,
      end: { finishReason: 'stop', stopReason: null },
    });
  });

  it('goes on behind the end token when that is ignored', () => {
    const pieces = run('a.bc', { ignoreEos: true, stopTokenIds: [], maxTokens: 4 });
    expect(text(pieces)).toBe('abc');
    expect(pieces.at(-1)?.end).toEqual({ finishReason: 'length', stopReason: null });
  });

  it('ends at a stop token of the client and names it', () => {
    const stop = { clientStopTokenIds: [idOf('x')], stopTokenIds: [0, idOf('x')] };
    const pieces = run('abx', stop);
    expect(text(pieces)).toBe('ab');
    expect(pieces.at(-1)?.end).toEqual({ finishReason: 'stop', stopReason: idOf('x') });
    expect(text(run('abx', { ...stop, includeStop: true }))).toBe('abx');
  });

  it('ends at a stop string and names it, even on the last token of the budget', () => {
    const pieces = run('abcd', { stop: ['bc'], maxTokens: 3 });
    expect(text(pieces)).toBe('a');
    expect(pieces.at(-1)?.end).toEqual({ finishReason: 'stop', stopReason: 'bc' });
  });

  it('gives held-back text out when the budget ends the answer', () => {
    const pieces = run('abc', { stop: ['bcd'], maxTokens: 3 });
    expect(pieces.map((piece) => piece.text)).toEqual(['a', '', 'bc']);
    expect(pieces.at(-1)?.end?.finishReason).toBe('length');
  });

  it('gives held-back text out when an end token comes', () => {
    expect(run('ab.', { stop: ['bcd'] }).map((piece) => piece.text)).toEqual(['a', '', 'b']);
  });

  it('looks for no stop string and allows no stop token before the minimum', () => {
    const pieces = run('..ab.', { minTokens: 2, stop: ['z'] });
    // The end token is masked twice, so the second best token comes.
    expect(text(pieces)).toBe('zzab');
    expect(pieces.at(-1)?.completionTokens).toBe(5);
  });

  it('names log probabilities per token, with text and bytes', () => {
    const [piece] = run('a', { topLogprobs: 2 });
    expect(piece?.logprobs).toEqual([
      {
        token: 'a',
        logprob: expect.any(Number),
        bytes: [97],
        top: [
          { token: 'a', logprob: expect.any(Number), bytes: [97] },
          { token: 'z', logprob: expect.any(Number), bytes: [122] },
        ],
      },
    ]);
    const { top } = piece!.logprobs![0]!;
    expect(top[0]!.logprob - top[1]!.logprob).toBeCloseTo(5, 4);
    expect(run('a')[0]).not.toHaveProperty('logprobs');
  });

  it('marks tokens whose text is not part of the answer', () => {
    const hidden = (settings: Partial<SequenceSettings>) =>
      run('a.', { topLogprobs: 0, ...settings }).map(({ logprobs }) => logprobs?.[0]?.isHidden === true);
    expect(hidden({})).toEqual([false, true]);
    expect(hidden({ includeStop: true, skipSpecialTokens: false })).toEqual([false, false]);
    expect(hidden({ includeStop: true })).toEqual([false, true]);
  });
});
