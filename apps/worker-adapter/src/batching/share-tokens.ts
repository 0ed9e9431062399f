/** Bytes of a text, or ids of a prompt: what the tokens of one call are shared out by. */
const sizeOf = (input: string | readonly number[]): number =>
  typeof input === 'string' ? Buffer.byteLength(input) : input.length;

/**
 * The tokens of one call, shared out among its jobs by the sizes of their inputs. The shares are whole numbers and add up
 * to what the engine counted.
 */
export function shareTokens(
  total: number,
  inputsOfJobs: readonly (readonly (string | readonly number[])[])[],
  at: number,
): number {
  const sizes = inputsOfJobs.map((inputs) => inputs.reduce<number>((sum, input) => sum + sizeOf(input), 0));
  const bytesOf = (count: number): number => sizes.slice(0, count).reduce((sum, size) => sum + size, 0);
  const all = bytesOf(sizes.length);
  const upTo = (count: number): number => {
    // Texts without bytes have tokens of their own: shared out evenly.
    const part = all === 0 ? count / sizes.length : bytesOf(count) / all;
    return Math.round(total * part);
  };
  return upTo(at + 1) - upTo(at);
}
