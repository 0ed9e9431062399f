import { describe, expect, it } from '@jest/globals';
import { readCommandLine } from './command-line.js';

describe('the command line', () => {
  it('listens on 8000 and takes images unless told otherwise', () => {
    expect(readCommandLine([])).toEqual({
      options: { port: 8000, multimodal: true, autoToolChoice: true },
      exitOnCrash: false,
    });
  });

  it('sets every option under its own name', () => {
    const { options, exitOnCrash } = readCommandLine(
      '--port 0 --admin-port 9 --model m --alias a --alias b --dialect 0.10 --task embed --max-num-seqs 4 --ttft-ms 1.5 --enable-prompt-tokens-details --text-only --tokens-per-image 7 --exit-on-crash'.split(
        ' ',
      ),
    );
    expect(options).toMatchObject({
      port: 0,
      adminPort: 9,
      model: 'm',
      aliases: ['a', 'b'],
      dialect: '0.10',
      tasks: ['embed'],
      maxRunning: 4,
      ttftMs: 1.5,
      promptTokensDetails: true,
      multimodal: false,
    });
    expect(options.imageTokens?.({ width: 1, height: 1 }, {})).toBe(7);
    expect(exitOnCrash).toBe(true);
  });

  it.each([
    ['--ttft-ms=fast', /--ttft-ms has to be a number/],
    ['--port=-1', /--port has to be a number/],
    ['--dialect=9', /--dialect has to be one of 0.10/],
    ['--task=paint', /--task has to be one of generate/],
    ['--no-such-flag', /no-such-flag/],
  ])('refuses %s', (argument, message) => {
    expect(() => readCommandLine([argument])).toThrow(message);
  });
});
