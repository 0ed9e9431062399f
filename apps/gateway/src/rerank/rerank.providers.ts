import type { Provider } from '@nestjs/common';
import { ModelDirectory } from '../tasks/model-directory.js';
import { SubmitJob } from '../tasks/submit-job.js';
import { TaskRoute } from '../tasks/task-route.js';
import { RerankHandler } from './rerank-handler.js';

export const rerankProviders: Provider[] = [
  {
    provide: RerankHandler,
    inject: [TaskRoute, ModelDirectory, SubmitJob],
    useFactory: (...ports: [TaskRoute, ModelDirectory, SubmitJob]) => new RerankHandler(...ports),
  },
];
