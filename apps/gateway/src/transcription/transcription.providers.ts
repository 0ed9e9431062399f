import { BlobStore } from '@fovea/blob-store';
import type { Provider } from '@nestjs/common';
import { ModelDirectory } from '../tasks/model-directory.js';
import { SubmitJob } from '../tasks/submit-job.js';
import { TaskRoute } from '../tasks/task-route.js';
import { SubmitTranscription } from './submit-transcription.js';
import { TranscriptionHandler } from './transcription-handler.js';

export const transcriptionProviders: Provider[] = [
  {
    provide: SubmitTranscription,
    inject: [ModelDirectory, SubmitJob],
    useFactory: (...ports: [ModelDirectory, SubmitJob]) => new SubmitTranscription(...ports),
  },
  {
    provide: TranscriptionHandler,
    inject: [TaskRoute, SubmitTranscription, BlobStore],
    useFactory: (...ports: [TaskRoute, SubmitTranscription, BlobStore]) => new TranscriptionHandler(...ports),
  },
];
