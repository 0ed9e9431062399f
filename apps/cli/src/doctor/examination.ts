import type { Connection } from '../connection.js';
import type { Deployment } from '../deployment/deployment.js';
import type { CheckedFile } from '../models/validate/check-worker-file.js';
import type { Terminal } from '../terminal/terminal.js';

/** What all checks look at. */
export interface Examination {
  readonly terminal: Terminal;
  readonly deployment: Deployment;
  /** Undefined: no key was found, and what needs one cannot be looked at. */
  readonly connection: Connection | undefined;
  readonly gatewayUrl: string;
  /** Undefined: no Redis is named. */
  readonly redisUrl: string | undefined;
  /** Undefined: no blob store is named. */
  readonly blobStoreUrl: string | undefined;
  readonly workersFolder: string;
  readonly workers: readonly CheckedFile[];
}
