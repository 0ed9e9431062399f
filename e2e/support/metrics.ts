/** The numbers of a `/metrics` page at one moment. */
export class Metrics {
  private constructor(private readonly lines: readonly string[]) {}

  static async read(opsUrl: string): Promise<Metrics> {
    const answer = await fetch(`${opsUrl}/metrics`);
    if (answer.status !== 200) throw new Error(`${opsUrl}/metrics answered ${answer.status}`);
    return new Metrics((await answer.text()).split('\n'));
  }

  /** The sum over all label sets that hold `label`; 0 for a metric that has no value yet. */
  sum(name: string, label = ''): number {
    const values = this.lines.filter((line) => line.startsWith(`${name}{`) && line.includes(label));
    return values.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }
}
