import type { ChatRequest, EngineLimits } from '../chat/chat-request.js';
import { EventLog } from '../script/event-log.js';
import { Gates } from '../script/gates.js';
import { ScriptQueue } from '../script/script-queue.js';
import { type Counters, Tally } from './counters.js';
import { Slots } from './slots.js';

export interface FakeEngineOptions {
  /** Served model name; `fake-vlm` by default. */
  readonly model?: string;
  /** Tokens of prompt and answer; 8192 by default. */
  readonly maxModelLen?: number;
  /** False refuses images as a text-only model does. */
  readonly multimodal?: boolean;
  readonly maxImagesPerPrompt?: number;
  /** Requests that run at once (`--max-num-seqs`); 256 by default. */
  readonly maxRunning?: number;
  /** Requests that may wait (`--max-num-queued-reqs`); 10,000 by default. More get 503. */
  readonly maxWaiting?: number;
  readonly ttftMs?: number;
  readonly interTokenMs?: number;
  /** Bearer key asked for under /v1, as `--api-key` does. */
  readonly apiKey?: string;
}

/** A request as the engine saw it, for assertions. Image bytes are kept as digests only. */
export interface SeenRequest
  extends Pick<ChatRequest, 'images' | 'lastUserText' | 'parameters' | 'promptTokens'> {
  readonly requestId: string;
  readonly stream: boolean;
}

const maxSeenRequests = 1000;

/** State of the engine, shared by its routes. */
export class FakeEngine {
  readonly limits: EngineLimits;
  readonly maxRunning: number;
  readonly ttftMs: number;
  readonly interTokenMs: number;
  readonly apiKey: string | undefined;
  readonly startedAtS = Math.floor(Date.now() / 1000);
  readonly scripts = new ScriptQueue();
  readonly gates = new Gates();
  readonly events = new EventLog();
  readonly slots: Slots;
  readonly tally = new Tally();
  readonly requests: SeenRequest[] = [];
  healthy = true;

  constructor(options: FakeEngineOptions) {
    this.limits = {
      model: options.model ?? 'fake-vlm',
      maxModelLen: options.maxModelLen ?? 8192,
      multimodal: options.multimodal ?? true,
      maxImagesPerPrompt: options.maxImagesPerPrompt ?? 999,
    };
    this.maxRunning = options.maxRunning ?? 256;
    this.ttftMs = options.ttftMs ?? 0;
    this.interTokenMs = options.interTokenMs ?? 0;
    this.apiKey = options.apiKey;
    this.slots = new Slots(this.maxRunning, options.maxWaiting ?? 10_000);
  }

  get counters(): Counters {
    return this.tally.read({ running: this.slots.running, waiting: this.slots.waiting });
  }

  remember(request: ChatRequest, requestId: string): void {
    const { images, lastUserText, parameters, promptTokens, stream } = request;
    this.requests.push({ requestId, images, lastUserText, parameters, promptTokens, stream });
    if (this.requests.length > maxSeenRequests) this.requests.shift();
  }

  /** Forgets scripts, gates, events and requests; opens gates that hold somebody. Counters go on. */
  reset(): void {
    this.scripts.clear();
    this.gates.clear();
    this.events.clear();
    this.requests.length = 0;
    this.healthy = true;
  }
}
