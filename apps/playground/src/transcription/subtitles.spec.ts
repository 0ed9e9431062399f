import { describe, expect, it } from '@jest/globals';
import { cueClock, shortClock } from './clock.js';
import { toSrt, toVtt } from './subtitles.js';

describe('times', () => {
  it.each([
    [0, '00:00:00,000', '0:00.0'],
    [1.5, '00:00:01,500', '0:01.5'],
    [59.9996, '00:01:00,000', '1:00.0'],
    [754.26, '00:12:34,260', '12:34.3'],
    [3_661.04, '01:01:01,040', '1:01:01.0'],
    [360_000, '100:00:00,000', '100:00:00.0'],
  ])('%d s is %s in a subtitle and %s on the page', (seconds, cue, short) => {
    expect(cueClock(seconds, ',')).toBe(cue);
    expect(shortClock(seconds)).toBe(short);
  });
});

describe('subtitles', () => {
  const segments = [
    { startS: 0, endS: 1.2, text: ' a < b --> c\n\nd' },
    { startS: 1.2, endS: 2, text: 'e & f' },
  ];

  it('are SubRip', () => {
    expect(toSrt(segments)).toBe(
      '1\n00:00:00,000 --> 00:00:01,200\na < b -> c d\n\n2\n00:00:01,200 --> 00:00:02,000\ne & f\n\n',
    );
  });

  it('are WebVTT, where no text can be taken for markup', () => {
    expect(toVtt(segments)).toBe(
      'WEBVTT\n\n00:00:00.000 --> 00:00:01.200\na &lt; b -&gt; c d\n\n00:00:01.200 --> 00:00:02.000\ne &amp; f\n\n',
    );
  });
});
