import type { Provider } from '@nestjs/common';
import { ModelDirectory } from '../tasks/model-directory.js';
import { TaskRoute } from '../tasks/task-route.js';
import { UnofferedHandler } from './unoffered-handler.js';

export const unofferedProviders: Provider[] = [
  {
    provide: UnofferedHandler,
    inject: [TaskRoute, ModelDirectory],
    useFactory: (...ports: [TaskRoute, ModelDirectory]) => new UnofferedHandler(...ports),
  },
];
