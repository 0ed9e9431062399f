import { byId, element } from '../page/elements.js';
import { duration } from '../page/quantities.js';
import { shortClock } from './clock.js';
import { type Segment, toSrt, toVtt } from './subtitles.js';
import type { Transcript } from './transcribe.js';

/** Shows what was said and when; choosing a part plays it. */
export class TranscriptView {
  #segments: readonly Segment[] = [];
  #name = 'transcript';
  /** What stands below it are its captions. */
  readonly #player = element('audio', { controls: '', 'aria-label': 'The recording' });
  readonly #place = byId('transcript', HTMLElement);

  constructor() {
    byId('player', HTMLElement).append(this.#player);
    const save = (id: string, write: (segments: readonly Segment[]) => string, type: string): void =>
      byId(`save-${id}`, HTMLButtonElement).addEventListener('click', () =>
        download(`${this.#name}.${id}`, write(this.#segments), type),
      );
    save('srt', toSrt, 'application/x-subrip');
    save('vtt', toVtt, 'text/vtt');
  }

  show(transcript: Transcript, file: File): void {
    this.#segments = transcript.segments;
    this.#name = file.name.replace(/\.[^.]*$/, '') || 'transcript';
    URL.revokeObjectURL(this.#player.src);
    this.#player.src = URL.createObjectURL(file);
    byId('speech-welcome', HTMLElement).hidden = true;
    this.#place.hidden = false;
    byId('speech-figures', HTMLElement).replaceChildren(...figures(transcript));
    const items = transcript.segments.map((segment) => element('li', {}, this.#button(segment)));
    const nothing = element('li', {}, 'Nothing was said.');
    byId('segments', HTMLOListElement).replaceChildren(...(items.length > 0 ? items : [nothing]));
    for (const id of ['save-srt', 'save-vtt']) byId(id, HTMLButtonElement).disabled = items.length === 0;
  }

  #button({ startS, endS, text }: Segment): HTMLButtonElement {
    const times = element('time', {}, `${shortClock(startS)} – ${shortClock(endS)}`);
    const made = element('button', { type: 'button' }, times, element('span', {}, text.trim()));
    made.addEventListener('click', () => {
      this.#player.currentTime = startS;
      // A recording that the browser cannot play is still one that the model could read.
      this.#player.play().catch(() => undefined);
    });
    return made;
  }
}

function figures({ durationS, language, tookMs }: Transcript): HTMLElement[] {
  const figure = (value: string, name: string): HTMLElement =>
    element('span', {}, element('b', {}, value), ` ${name}`);
  const speed = durationS === undefined ? undefined : (durationS * 1000) / tookMs;
  return [
    ...(durationS === undefined ? [] : [figure(duration(durationS * 1000), 'of sound')]),
    figure(duration(tookMs), 'to read it'),
    ...(speed === undefined ? [] : [figure(`${speed.toFixed(1)}×`, 'real time')]),
    ...(language === undefined ? [] : [figure(language, 'language')]),
  ];
}

function download(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = element('a', { href: url, download: name });
  link.click();
  // The browser has read the address by the next turn of its loop.
  setTimeout(() => URL.revokeObjectURL(url), 0);
}
