import { type Segment, segmentsOf, type Transcript } from './transcript.js';

/** `00:00:01,500`; hours may have more than two digits. */
function clock(seconds: number, separator: ',' | '.'): string {
  const ms = Math.round(seconds * 1000);
  const pad = (value: number, digits = 2): string => `${Math.floor(value)}`.padStart(digits, '0');
  const parts = [ms / 3_600_000, (ms / 60_000) % 60, (ms / 1000) % 60].map((value) => pad(value));
  return `${parts.join(':')}${separator}${pad(ms % 1000, 3)}`;
}

/** An empty line would end the cue, and `-->` begin another. */
const cueText = ({ text }: Segment): string =>
  text
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll('-->', '->');

const times = ({ startS, endS }: Segment, separator: ',' | '.'): string =>
  `${clock(startS, separator)} --> ${clock(endS, separator)}`;

/** SubRip: numbered cues, decimal commas. */
export const toSrt = (transcript: Transcript): string =>
  segmentsOf(transcript)
    .map((segment, at) => `${at + 1}\n${times(segment, ',')}\n${cueText(segment)}\n\n`)
    .join('');

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** WebVTT (W3C): decimal points, `&`, `<` and `>` escaped. */
export const toVtt = (transcript: Transcript): string =>
  `WEBVTT\n\n${segmentsOf(transcript)
    .map((segment) => {
      const text = cueText(segment).replaceAll(/[&<>]/g, (character) => escapes[character] ?? character);
      return `${times(segment, '.')}\n${text}\n\n`;
    })
    .join('')}`;
