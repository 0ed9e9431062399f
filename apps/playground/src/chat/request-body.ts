import type { Picture } from '../pictures/picture.js';
import { base64Length, tooLargeBody, tooLargeImage } from '../pictures/picture-limits.js';
import type { Limits } from '../wire/models.js';
import type { Problem } from '../wire/problem.js';
import { type Message, messagesOf, type Part, type Question } from './conversation.js';

/** A part of the body: JSON text, or a picture whose base64 belongs there. */
export type BodyPiece = string | Picture;

/**
 * The body in the order in which it is sent. It is put together from pieces, so that neither a picture's base64 nor
 * the whole is ever escaped or copied as a JavaScript string.
 */
export function bodyPieces(question: Question): BodyPiece[] {
  const { model, sampling } = question;
  const head = JSON.stringify({ model, stream: true, stream_options: { include_usage: true }, ...sampling });
  const pieces: BodyPiece[] = [`${head.slice(0, -1)},"messages":[`];
  for (const [at, message] of messagesOf(question).entries()) {
    if (at > 0) pieces.push(',');
    pieces.push(...messagePieces(message));
  }
  pieces.push(']}');
  return joined(pieces);
}

function messagePieces({ role, content }: Message): BodyPiece[] {
  if (typeof content === 'string') return [JSON.stringify({ role, content })];
  const parts = content.flatMap((part, at) => [at === 0 ? '' : ',', ...partPieces(part)]);
  return [`{"role":"${role}","content":[`, ...parts, ']}'];
}

const partPieces = (part: Part): BodyPiece[] =>
  part.type === 'text'
    ? [JSON.stringify(part)]
    : [`{"type":"image_url","image_url":{"url":"data:${part.picture.mediaType};base64,`, part.picture, '"}}'];

/** The same with neighbouring texts in one. */
function joined(pieces: readonly BodyPiece[]): BodyPiece[] {
  const result: BodyPiece[] = [];
  for (const piece of pieces) {
    const last = result.at(-1);
    if (typeof piece === 'string' && typeof last === 'string') result.splice(-1, 1, last + piece);
    else result.push(piece);
  }
  return result;
}

/** Bytes of the body on the wire. */
export function bodyBytes(pieces: readonly BodyPiece[]): number {
  const encoder = new TextEncoder();
  const sizes = pieces.map((piece) =>
    typeof piece === 'string' ? encoder.encode(piece).length : base64Length(piece.file.size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** What the API would refuse, in its words and with its path, without sending anything. */
export function problemOfQuestion(question: Question, limits: Limits): Problem | undefined {
  for (const [at, { content }] of messagesOf(question).entries()) {
    for (const [partAt, part] of (typeof content === 'string' ? [] : content).entries()) {
      if (part.type === 'text') continue;
      const problem = tooLargeImage(part.picture, limits.maxImageSidePx);
      if (problem !== undefined) {
        return { ...problem, param: `messages[${at}].content[${partAt}].image_url.url` };
      }
    }
  }
  return tooLargeBody(bodyBytes(bodyPieces(question)), limits.maxBodyBytes);
}

/** Encodes the pictures one after the other; the browser may keep the result outside of its memory. */
export async function toBlob(pieces: readonly BodyPiece[]): Promise<Blob> {
  const parts: (string | Blob)[] = [];
  for (const piece of pieces) {
    // As a Blob of its own, the string is free again before the next picture is read.
    parts.push(typeof piece === 'string' ? piece : new Blob([await base64Of(piece.file)]));
  }
  return new Blob(parts, { type: 'application/json' });
}

function base64Of(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(reader.error ?? new Error('a file could not be read'));
    reader.onload = () => {
      const url = String(reader.result);
      resolve(url.slice(url.indexOf(',') + 1));
    };
    reader.readAsDataURL(file);
  });
}
