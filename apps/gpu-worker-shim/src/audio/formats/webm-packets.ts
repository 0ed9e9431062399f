import { invalidAudio } from '../sound.js';

/** An audio track of a WebM file, and where its packets are. */
export interface WebmTrack {
  /** `A_OPUS` */
  readonly codec: string;
  /** Of Opus: its identification header. */
  readonly codecPrivate: Uint8Array;
  readonly packets: Iterable<Uint8Array>;
}

/** Element ids of Matroska (RFC 9559) that matter here. */
const ids = {
  segment: 0x18538067,
  tracks: 0x1654ae6b,
  track: 0xae,
  number: 0xd7,
  type: 0x83,
  codec: 0x86,
  codecPrivate: 0x63a2,
  cluster: 0x1f43b675,
  blockGroup: 0xa0,
  block: 0xa1,
  simpleBlock: 0xa3,
} as const;
const AUDIO = 2;
const EBML_LACING = 3;
/** A block lies in a group, that in a cluster, that in the segment. */
const MAX_DEPTH = 4;

interface Element {
  readonly id: number;
  readonly body: Uint8Array;
}

/** A number whose first byte tells how many follow. Undefined: it does not end. */
function readNumber(bytes: Uint8Array, at: number, keepsMarker: boolean) {
  const first = bytes[at] ?? 0;
  const length = Math.clz32(first) - 23;
  if (length > 8 || at + length > bytes.length) return undefined;
  let value = keepsMarker ? first : first & (0xff >> length);
  // All ones: a size that was not known.
  let isUnknown = (first & (0xff >> length)) === 0xff >> length;
  for (let offset = 1; offset < length; offset += 1) {
    value = value * 256 + bytes[at + offset]!;
    isUnknown &&= bytes[at + offset] === 0xff;
  }
  return { value, length, isUnknown };
}

/** Elements of a body. One without a size, as in live recordings, ends with the body: the elements in it come next. */
function* elements(body: Uint8Array): Generator<Element, void> {
  for (let at = 0; at < body.length; ) {
    const id = readNumber(body, at, true);
    const size = id && readNumber(body, at + id.length, false);
    if (id === undefined || size === undefined) throw invalidAudio('it is cut off within an element of WebM');
    const start = at + id.length + size.length;
    if (size.isUnknown) {
      yield { id: id.value, body: new Uint8Array() };
      at = start;
      continue;
    }
    if (start + size.value > body.length) {
      throw invalidAudio(
        `it is cut off: an element of WebM has ${body.length - start} of ${size.value} bytes`,
      );
    }
    yield { id: id.value, body: body.subarray(start, start + size.value) };
    at = start + size.value;
  }
}

/** All elements, those within masters that are looked into as well. */
function* walk(body: Uint8Array, depth = 0): Generator<Element, void> {
  if (depth > MAX_DEPTH) throw invalidAudio('the elements of the WebM file lie too deep in each other');
  const masters: readonly number[] = [ids.segment, ids.tracks, ids.cluster, ids.blockGroup];
  for (const element of elements(body)) {
    if (masters.includes(element.id)) yield* walk(element.body, depth + 1);
    else yield element;
  }
}

const unsigned = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => sum * 256 + byte, 0);

function readTrack(body: Uint8Array) {
  const parts = new Map([...elements(body)].map(({ id, body: part }) => [id, part]));
  const none = new Uint8Array();
  return {
    number: unsigned(parts.get(ids.number) ?? none),
    isAudio: unsigned(parts.get(ids.type) ?? none) === AUDIO,
    codec: Buffer.from(parts.get(ids.codec) ?? none).toString('latin1'),
    codecPrivate: parts.get(ids.codecPrivate) ?? none,
  };
}

function* packetsOf(bytes: Uint8Array, track: number): Generator<Uint8Array, void> {
  for (const { id, body } of walk(bytes)) {
    if (id !== ids.simpleBlock && id !== ids.block) continue;
    const number = readNumber(body, 0, false);
    if (number === undefined || body.length < number.length + 3)
      throw invalidAudio('a block of WebM is empty');
    if (number.value !== track) continue;
    const lacing = (body[number.length + 2]! >> 1) & EBML_LACING;
    // No writer of Opus in WebM is known to put several packets into one block.
    if (lacing !== 0) throw invalidAudio('its blocks of WebM are laced, which is not supported');
    yield body.subarray(number.length + 3);
  }
}

/**
 * Finds the first audio track of a WebM or Matroska file.
 *
 * @throws FoveaError `INVALID_AUDIO`, also while packets are read
 */
export function readWebm(bytes: Uint8Array): WebmTrack {
  for (const { id, body } of walk(bytes)) {
    if (id !== ids.track) continue;
    const { isAudio, number, codec, codecPrivate } = readTrack(body);
    if (isAudio) return { codec, codecPrivate, packets: packetsOf(bytes, number) };
  }
  throw invalidAudio('the WebM file has no audio track');
}
