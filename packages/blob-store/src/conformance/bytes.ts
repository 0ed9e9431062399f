export const KIB = 1_024;

export async function* chunks(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

export async function* broken(part: Uint8Array): AsyncGenerator<Uint8Array> {
  yield part;
  throw new Error('upload broke');
}

/** Says when it was asked for more than it has, then stays silent for ever. */
export function silent(part: Uint8Array): { bytes: AsyncIterable<Uint8Array>; asked: Promise<void> } {
  let ask: () => void = () => {};
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const bytes = (async function* () {
    yield part;
    ask();
    await new Promise(() => {});
  })();
  return { bytes, asked };
}

export async function readThrough(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  // A chunk holds only until the next one.
  for await (const part of stream) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}
