import type { FolderReport } from '@fovea/blob-store';
import type { LaneControl } from '@fovea/job-queue';
import type { ModelRegistry } from '@fovea/model-registry';
import type { Redis } from 'ioredis';

/** How an operator's command reaches a deployment past its gateway; `compose.ts` picks the adapters. */
export interface DeploymentPorts {
  openLanes(redisUrl: string, onError: (error: Error) => void): Promise<LaneControl>;
  openRegistry(redisUrl: string, graceS: number): Promise<ModelRegistry>;
  openRedis(redisUrl: string, onError: (error: Error) => void): Promise<Redis>;
  /** Throws a plain reason when the store cannot be used. */
  checkBlobStore(url: string, env: Readonly<Record<string, string | undefined>>): Promise<void>;
  /** What a folder of blobs holds, and what of it nobody needs. */
  inspectBlobFolder(
    root: string,
    limits: { lingerS: number; maxReferenceAgeS: number },
  ): Promise<FolderReport>;
}
