import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { FakeEngine } from '../engine/fake-engine.js';
import type { PixelBounds } from '../media/image-tokens.js';
import type { MediaCache } from '../media/media-cache.js';
import { type ImagePart, openImage } from '../media/open-image.js';
import type { SeenImage } from '../media/seen-image.js';
import type { Behaviour } from '../script/behaviour.js';
import type { EventName } from '../script/event-log.js';
import { untilAborted } from './abortable.js';
import { ClientGone } from './endings.js';
import type { EngineRun } from './engine-run.js';

/** A request between its arrival and its acceptance: which script it follows, and its images being read. */
export class Admission {
  /** Set once the engine has accepted it. */
  run: EngineRun | undefined;
  behaviour: Behaviour = {};
  requestId: string;
  text = '';
  /** Whether its client closed the socket before the answer was complete. */
  isAlone = false;
  readonly route: string;
  readonly arrivedAtMs = performance.now();
  readonly #controller = new AbortController();

  constructor(
    readonly engine: FakeEngine,
    readonly incoming: IncomingMessage,
    response: ServerResponse,
  ) {
    const header = incoming.headers['x-request-id'];
    this.requestId = typeof header === 'string' ? header : '';
    this.route = new URL(incoming.url ?? '/', 'http://fake').pathname;
    response.once('close', () => {
      if (!response.writableFinished) this.#leave();
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(reason: Error): void {
    this.#controller.abort(reason);
  }

  /** Says which request it is, as soon as that is known, and takes the script that fits. */
  identify(text: string, requestId: string | undefined): void {
    this.text = text;
    this.requestId ||= requestId ?? randomUUID().replaceAll('-', '');
    this.behaviour = this.engine.scripts.take(text, this.route);
  }

  log(event: EventName, more: { tokens?: number; gate?: string } = {}): void {
    this.engine.events.record({ event, requestId: this.requestId, text: this.text, ...more });
  }

  /** Reads the images of a request, after those of the requests before it. Throws a `VllmError`. */
  readImages(
    parts: readonly ImagePart[],
    bounds: PixelBounds,
    cache: MediaCache = this.engine.process.mediaCache,
  ): Promise<SeenImage[]> {
    if (parts.length === 0) return Promise.resolve([]);
    const { engine, signal } = this;
    const { preprocessing } = this.behaviour;
    const reader = { ...engine.imageReader, cache };
    this.log('preprocessing');
    return engine.process.preprocessor.process(async () => {
      if (preprocessing?.gate !== undefined) await engine.gates.pass(preprocessing.gate, signal);
      const images: SeenImage[] = [];
      for (const part of parts) images.push(await openImage(part, bounds, reader));
      const msPerImage = preprocessing?.msPerImage ?? engine.settings.preprocessMsPerImage;
      const ms = msPerImage * images.filter((image) => !image.isCached).length;
      if (ms > 0) await untilAborted(pause(ms), signal);
      return images;
    }, signal);
  }

  /** Closing the socket is the only abort vLLM knows. A hung engine learns of it when it wakes up. */
  #leave(): void {
    this.isAlone = true;
    if (this.signal.aborted) return;
    this.log('disconnected');
    this.engine.process.pulse.whenStepping(() => this.end(new ClientGone('client disconnected')));
  }
}
