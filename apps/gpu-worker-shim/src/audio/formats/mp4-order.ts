import { invalidAudio } from '../sound.js';

interface Box {
  readonly type: string;
  readonly start: number;
  /** Of the box with its header. */
  readonly size: number;
  readonly header: number;
}

const typeAt = (view: DataView, at: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map((offset) => view.getUint8(at + offset)));

/** Boxes one after the other (ISO 14496-12). Throws `INVALID_AUDIO` for one that does not end. */
function boxes(view: DataView, from: number, to: number): Box[] {
  const found: Box[] = [];
  for (let start = from; start < to; ) {
    if (start + 8 > to) throw invalidAudio('the MP4 file is cut off within the header of a box');
    const type = typeAt(view, start + 4);
    const short = view.getUint32(start);
    const isLong = short === 1;
    if (isLong && start + 16 > to) throw invalidAudio('the MP4 file is cut off within the header of a box');
    // 0: to the end of the file.
    const size = isLong ? Number(view.getBigUint64(start + 8)) : short === 0 ? to - start : short;
    const header = isLong ? 16 : 8;
    if (size < header || start + size > to) {
      throw invalidAudio(`the MP4 file is cut off: its box "${type}" has ${to - start} of ${size} bytes`);
    }
    found.push({ type, start, size, header });
    start += size;
  }
  return found;
}

const masters = ['trak', 'mdia', 'minf', 'stbl'];

/** Adds `shift` to every place in the file that the index tells. */
function shiftOffsets(view: DataView, { start, size, header }: Box, shift: number): void {
  for (const box of boxes(view, start + header, start + size)) {
    const table = box.start + box.header + 8;
    const bytes = box.type === 'stco' ? 4 : box.type === 'co64' ? 8 : 0;
    if (masters.includes(box.type)) shiftOffsets(view, box, shift);
    if (bytes === 0) continue;
    const count = table <= box.start + box.size ? view.getUint32(table - 4) : 0;
    if (table + count * bytes > box.start + box.size)
      throw invalidAudio('the index of the MP4 file is broken');
    for (let at = table; at < table + count * bytes; at += bytes) {
      if (bytes === 4) view.setUint32(at, view.getUint32(at) + shift);
      else view.setBigUint64(at, view.getBigUint64(at) + BigInt(shift));
    }
  }
}

/**
 * Puts the index of an MP4 file before its data. Recorders write it last, and who reads from a pipe cannot go back.
 *
 * @throws FoveaError `INVALID_AUDIO` for a file that is cut off or has no index
 */
export function putIndexFirst(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const all = boxes(view, 0, bytes.length);
  const index = all.find(({ type }) => type === 'moov');
  const data = all.find(({ type }) => type === 'mdat');
  if (index === undefined || data === undefined) {
    throw invalidAudio(`the MP4 file has no ${index === undefined ? 'index' : 'data'}`);
  }
  if (index.start < data.start) return bytes;
  const result = new Uint8Array(bytes.length);
  result.set(bytes.subarray(0, data.start));
  result.set(bytes.subarray(index.start, index.start + index.size), data.start);
  result.set(bytes.subarray(data.start, index.start), data.start + index.size);
  result.set(bytes.subarray(index.start + index.size), index.start + index.size);
  shiftOffsets(new DataView(result.buffer), { ...index, start: data.start }, index.size);
  return result;
}
