const BYTES_PER_S = 32_000;

/** A WAV file of that many seconds: 16 kHz, mono, 16 bit. */
export function silence(seconds: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + seconds * BYTES_PER_S, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(16_000, 24);
  header.writeUInt32LE(BYTES_PER_S, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(seconds * BYTES_PER_S, 40);
  return Buffer.concat([header, Buffer.alloc(seconds * BYTES_PER_S)]);
}
