import { BlobStore } from '@fovea/blob-store';
import type { Provider } from '@nestjs/common';
import { ModelDirectory } from '../tasks/model-directory.js';
import { SubmitJob } from '../tasks/submit-job.js';
import { TaskRoute } from '../tasks/task-route.js';
import { SubmitTokens } from './submit-tokens.js';
import { TokenizerHandler } from './tokenizer-handler.js';
import { TokensHandler } from './tokens-handler.js';

export const tokenProviders: Provider[] = [
  {
    provide: SubmitTokens,
    inject: [ModelDirectory, SubmitJob],
    useFactory: (...ports: [ModelDirectory, SubmitJob]) => new SubmitTokens(...ports),
  },
  {
    provide: TokensHandler,
    inject: [TaskRoute, SubmitTokens],
    useFactory: (...ports: [TaskRoute, SubmitTokens]) => new TokensHandler(...ports),
  },
  {
    provide: TokenizerHandler,
    inject: [TaskRoute, SubmitTokens, BlobStore],
    useFactory: (...ports: [TaskRoute, SubmitTokens, BlobStore]) => new TokenizerHandler(...ports),
  },
];
