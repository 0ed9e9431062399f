import { cueClock } from './clock.js';

/** A part of a recording; times in seconds from its beginning. */
export interface Segment {
  readonly startS: number;
  readonly endS: number;
  readonly text: string;
}

/** An empty line would end the cue, and `-->` begin another. */
const cueText = ({ text }: Segment): string =>
  text
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll('-->', '->');

const times = ({ startS, endS }: Segment, separator: ',' | '.'): string =>
  `${cueClock(startS, separator)} --> ${cueClock(endS, separator)}`;

/** SubRip: numbered cues, decimal commas. */
export const toSrt = (segments: readonly Segment[]): string =>
  segments.map((segment, at) => `${at + 1}\n${times(segment, ',')}\n${cueText(segment)}\n\n`).join('');

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** WebVTT (W3C): decimal points, `&`, `<` and `>` escaped. */
export const toVtt = (segments: readonly Segment[]): string =>
  `WEBVTT\n\n${segments
    .map((segment) => {
      const text = cueText(segment).replaceAll(/[&<>]/g, (character) => escapes[character] ?? character);
      return `${times(segment, '.')}\n${text}\n\n`;
    })
    .join('')}`;
