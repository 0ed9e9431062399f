/**
 * The tokens of one call, shared out among its jobs by the bytes of their texts. The shares are whole numbers and add up
 * to what the engine counted.
 */
export function shareTokens(total: number, textsOfJobs: readonly (readonly string[])[], at: number): number {
  const sizes = textsOfJobs.map((texts) => texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0));
  const bytesOf = (count: number): number => sizes.slice(0, count).reduce((sum, size) => sum + size, 0);
  const all = bytesOf(sizes.length);
  const upTo = (count: number): number => {
    // Texts without bytes have tokens of their own: shared out evenly.
    const part = all === 0 ? count / sizes.length : bytesOf(count) / all;
    return Math.round(total * part);
  };
  return upTo(at + 1) - upTo(at);
}
