import { describe, expect, it } from '@jest/globals';
import { readUtterances } from './utterances.js';

const output = `go forward
<s> 0.000 0.240 1.000000
<sil> 0.250 0.450 0.706282
go 0.460 0.630 0.997303
forward(2) 0.640 1.160 1.000200
[NOISE] 1.170 1.200 0.9
</s> 2.120 2.600 1.000000
<s> 3.000 3.100 1.000000
[SPEECH] 3.110 3.300 0.500000
++COUGH++ 3.110 3.300 nan
</s> 3.310 3.400 1.000000
don't
<s> 4.000 4.100 1.000000
don't 4.110 4.300 nan
</s> 4.310 4.400 1.000000
`;

describe('what PocketSphinx prints', () => {
  it('becomes utterances of words with times; what is not said is left out', () => {
    expect(readUtterances(output)).toEqual([
      [
        { text: 'go', startS: 0.46, endS: 0.64, probability: 0.997303 },
        { text: 'forward', startS: 0.64, endS: expect.closeTo(1.17), probability: 1 },
      ],
      [{ text: "don't", startS: 4.11, endS: expect.closeTo(4.31), probability: 0 }],
    ]);
  });

  it.each(['', '\n', 'three words only\n', '<s> 0.000 0.100 1.0\n</s> 0.110 0.200 1.0\n'])(
    'is no utterance: %j',
    (text) => {
      expect(readUtterances(text)).toEqual([]);
    },
  );

  it('may be cut off before the first mark', () => {
    expect(readUtterances('go 0.460 0.630 0.9')).toMatchObject([[{ text: 'go' }]]);
  });
});
