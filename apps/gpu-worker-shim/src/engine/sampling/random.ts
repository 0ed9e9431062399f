/**
 * Uniform numbers in [0, 1) from a seed: SplitMix64 (Steele, Lea, Flood 2014), 53 bits of each output.
 * The same seed gives the same sequence on every machine.
 */
export class SeededRandom {
  private state: bigint;

  /** @param seed any whole number; it is taken modulo 2⁶⁴. */
  constructor(seed: number | bigint) {
    this.state = BigInt.asUintN(64, BigInt(seed));
  }

  next(): number {
    this.state = BigInt.asUintN(64, this.state + 0x9e3779b97f4a7c15n);
    let mixed = this.state;
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n);
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
    mixed ^= mixed >> 31n;
    return Number(mixed >> 11n) / 2 ** 53;
  }
}
