import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { OnnxGraph } from './onnx-graph.js';
import type { Piece } from './protobuf-message.js';

/** Small pieces are collected up to here before they are written. */
const WRITE_BYTES = 1 << 20;
/** As Hugging Face's exporters: smaller weights stay in the graph's file. */
const EXTERNAL_FROM_BYTES = 1024;

async function writePieces(file: string, pieces: Iterable<Piece>): Promise<void> {
  const handle = await open(file, 'w');
  try {
    let held: Uint8Array[] = [];
    let heldBytes = 0;
    const flush = async () => {
      await handle.writeFile(Buffer.concat(held));
      held = [];
      heldBytes = 0;
    };
    for (const piece of pieces) {
      const bytes = piece instanceof Uint8Array ? piece : piece.bytes();
      held.push(bytes);
      heldBytes += bytes.length;
      if (heldBytes >= WRITE_BYTES) await flush();
    }
    await flush();
  } finally {
    await handle.close();
  }
}

/** Writes a graph as an ONNX file. With `hasExternalData` its weights go into `<file>_data`, as large exports have it. */
export async function writeOnnx(file: string, graph: OnnxGraph, hasExternalData = false): Promise<void> {
  if (!hasExternalData) {
    await writePieces(file, graph.toModel().pieces);
    return;
  }
  const external = { location: `${basename(file)}_data`, fromBytes: EXTERNAL_FROM_BYTES };
  await writePieces(file, graph.toModel(external).pieces);
  const large = [...graph.weights.values()].map(({ data }) => data);
  const size = (data: Piece) => (data instanceof Uint8Array ? data.length : data.size);
  await writePieces(
    `${file}_data`,
    large.filter((data) => size(data) >= EXTERNAL_FROM_BYTES),
  );
}
