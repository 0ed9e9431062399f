import type { AdapterTelemetry, GenerationFinished } from '@fovea/observability';

/** Keeps the events in order of their arrival. */
export class RecordingTelemetry
  implements
    Pick<AdapterTelemetry, 'jobTaken' | 'tokenGap' | 'generationFinished' | 'leaseLost' | 'engineRefused'>
{
  readonly names: string[] = [];
  readonly finished: GenerationFinished[] = [];

  jobTaken(): void {
    this.names.push('taken');
  }

  tokenGap(): void {
    this.names.push('gap');
  }

  generationFinished(event: GenerationFinished): void {
    this.names.push('finished');
    this.finished.push(event);
  }

  leaseLost(): void {
    this.names.push('lost');
  }

  engineRefused(): void {
    this.names.push('refused');
  }
}
