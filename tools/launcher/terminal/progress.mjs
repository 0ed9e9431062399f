const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 120;

/**
 * What the launcher is doing, for a person: one line per finished step, and on a terminal one moving line for the
 * steps under way. Without a terminal nothing moves and a step that takes long is announced when it begins.
 */
export class Progress {
  /** @type {Map<string, number>} */
  #underWay = new Map();
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #frame = 0;
  #out;

  /** @param {NodeJS.WriteStream} [out] */
  constructor(out = process.stdout) {
    this.#out = out;
    // A closed terminal or pipe must not end the launcher before it has stopped its children.
    out.on('error', () => {});
  }

  /**
   * Shows a step while `work` runs; `work` may return a remark for the finished line.
   * @template T
   * @param {string} title
   * @param {() => Promise<T>} work
   * @param {(result: T) => string | undefined} [remark]
   * @returns {Promise<T>}
   */
  async step(title, work, remark) {
    const startedAt = performance.now();
    this.#underWay.set(title, startedAt);
    if (!this.#out.isTTY) this.#out.write(`  … ${title}\n`);
    this.#move();
    try {
      const result = await work();
      this.#finish(title, '✓', remark?.(result));
      return result;
    } catch (error) {
      this.#finish(title, '✗');
      throw error;
    }
  }

  /** @param {string} text */
  say(text) {
    this.#clear();
    this.#out.write(`${text}\n`);
    this.#draw();
  }

  /**
   * @param {string} title
   * @param {string} mark
   * @param {string} [remark]
   */
  #finish(title, mark, remark) {
    const seconds = (performance.now() - (this.#underWay.get(title) ?? 0)) / 1000;
    this.#underWay.delete(title);
    const notes = [remark, seconds >= 0.1 ? `${seconds.toFixed(1)} s` : undefined].filter(Boolean).join(', ');
    this.say(`  ${mark} ${title}${notes === '' ? '' : ` (${notes})`}`);
    if (this.#underWay.size === 0) clearInterval(this.#timer);
  }

  #move() {
    if (!this.#out.isTTY) return;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      this.#frame = (this.#frame + 1) % frames.length;
      this.#clear();
      this.#draw();
    }, frameMs);
    this.#timer.unref();
  }

  #clear() {
    if (this.#out.isTTY) this.#out.write('\r\u001b[2K');
  }

  #draw() {
    if (!this.#out.isTTY || this.#underWay.size === 0) return;
    const longest = Math.min(...this.#underWay.values());
    const seconds = Math.floor((performance.now() - longest) / 1000);
    const line = `  ${frames[this.#frame]} ${[...this.#underWay.keys()].join(', ')} … ${seconds} s`;
    this.#out.write(line.slice(0, (this.#out.columns ?? 80) - 1));
  }
}
