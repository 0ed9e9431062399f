/** Below this, a bar would only flicker. */
const WORTH_SHOWING_BYTES = 256 * 1024;

/** How much of a body has left. */
export class UploadBar {
  constructor(private readonly bar: HTMLProgressElement) {}

  show(sent: number, total: number): void {
    if (total < WORTH_SHOWING_BYTES) return;
    this.bar.hidden = sent >= total;
    this.bar.value = sent / total;
  }

  hide(): void {
    this.bar.hidden = true;
  }
}
