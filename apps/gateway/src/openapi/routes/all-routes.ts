import { accountRoutes } from './account-routes.js';
import { audioRoutes } from './audio-routes.js';
import { chatRoutes } from './chat-routes.js';
import { completionRoutes } from './completion-routes.js';
import { embeddingRoutes } from './embedding-routes.js';
import { fileRoutes } from './file-routes.js';
import { modelRoutes } from './model-routes.js';
import type { RouteSpec } from './route-spec.js';
import { statusRoutes } from './status-routes.js';
import { textRoutes } from './text-routes.js';
import { unofferedRoutes } from './unoffered-routes.js';

/** Every API route; a test proves that the gateway serves these and no others. */
export const routes: readonly RouteSpec[] = [
  ...chatRoutes,
  ...completionRoutes,
  ...embeddingRoutes,
  ...textRoutes,
  ...unofferedRoutes,
  ...audioRoutes,
  ...fileRoutes,
  ...modelRoutes,
  ...accountRoutes,
  ...statusRoutes,
];
