/** Cuts a stream of server-sent events into the data of each event (HTML Living Standard §9.2.6). */
export class SseParser {
  #rest = '';
  #data: string[] = [];

  /** Takes the next piece of text, cut anywhere, and returns the events that it completes. */
  push(text: string): string[] {
    const events: string[] = [];
    const lines = `${this.#rest}${text}`.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
      if (event !== undefined) events.push(event);
    }
    return events;
  }

  #line(line: string): string | undefined {
    if (line === '') {
      const event = this.#data.length > 0 ? this.#data.join('\n') : undefined;
      this.#data = [];
      return event;
    }
    if (line.startsWith('data:')) this.#data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
    return undefined;
  }
}
