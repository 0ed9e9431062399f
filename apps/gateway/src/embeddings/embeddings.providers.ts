import type { Provider } from '@nestjs/common';
import { ModelDirectory } from '../tasks/model-directory.js';
import { SubmitJob } from '../tasks/submit-job.js';
import { TaskRoute } from '../tasks/task-route.js';
import { EmbeddingsHandler } from './embeddings-handler.js';
import { SemanticHandler } from './semantic-handler.js';
import { SubmitEmbedding } from './submit-embedding.js';

export const embeddingProviders: Provider[] = [
  {
    provide: SubmitEmbedding,
    inject: [ModelDirectory, SubmitJob],
    useFactory: (...ports: [ModelDirectory, SubmitJob]) => new SubmitEmbedding(...ports),
  },
  {
    provide: EmbeddingsHandler,
    inject: [TaskRoute, SubmitEmbedding],
    useFactory: (...ports: [TaskRoute, SubmitEmbedding]) => new EmbeddingsHandler(...ports),
  },
  {
    provide: SemanticHandler,
    inject: [TaskRoute, SubmitEmbedding],
    useFactory: (...ports: [TaskRoute, SubmitEmbedding]) => new SemanticHandler(...ports),
  },
];
