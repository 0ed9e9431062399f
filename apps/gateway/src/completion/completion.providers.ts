import type { Provider } from '@nestjs/common';
import { ModelDirectory } from '../tasks/model-directory.js';
import { SubmitJob } from '../tasks/submit-job.js';
import { TaskRoute } from '../tasks/task-route.js';
import { EvaluateHandler } from './evaluate/evaluate-handler.js';
import { CompletionsHandler } from './openai/completions-handler.js';
import { CompleteHandler } from './pharia/complete-handler.js';
import { SubmitCompletion } from './submit-completion.js';

const inject = [TaskRoute, SubmitCompletion];
type Ports = [TaskRoute, SubmitCompletion];

export const completionProviders: Provider[] = [
  {
    provide: SubmitCompletion,
    inject: [ModelDirectory, SubmitJob],
    useFactory: (...ports: [ModelDirectory, SubmitJob]) => new SubmitCompletion(...ports),
  },
  { provide: CompleteHandler, inject, useFactory: (...ports: Ports) => new CompleteHandler(...ports) },
  { provide: CompletionsHandler, inject, useFactory: (...ports: Ports) => new CompletionsHandler(...ports) },
  { provide: EvaluateHandler, inject, useFactory: (...ports: Ports) => new EvaluateHandler(...ports) },
];
