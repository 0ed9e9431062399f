import type { Provider } from '@nestjs/common';
import { FileShelf } from '../files/file-shelf.js';
import { ModelDirectory } from '../tasks/model-directory.js';
import { SubmitJob } from '../tasks/submit-job.js';
import { TaskRoute } from '../tasks/task-route.js';
import { AcceptChat } from './accept-chat.js';
import { ChatHandler } from './chat-handler.js';

export const chatProviders: Provider[] = [
  {
    provide: AcceptChat,
    inject: [ModelDirectory, SubmitJob, FileShelf],
    useFactory: (...ports: [ModelDirectory, SubmitJob, FileShelf]) => new AcceptChat(...ports),
  },
  {
    provide: ChatHandler,
    inject: [TaskRoute, AcceptChat],
    useFactory: (...ports: [TaskRoute, AcceptChat]) => new ChatHandler(...ports),
  },
];
