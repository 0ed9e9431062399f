import { BlobStore } from '@fovea/blob-store';
import type { GatewayTelemetry } from '@fovea/observability';
import type { Provider } from '@nestjs/common';
import { CONFIG, type GatewayConfig } from '../gateway.config.js';
import { ImageIntake } from '../ingest/image-intake.js';
import { TELEMETRY } from '../injection-tokens.js';
import { ReceiveUpload } from '../upload/receive-upload.js';
import { FileCatalogue } from './file-catalogue.js';
import { FileShelf } from './file-shelf.js';
import { UploadHandler } from './upload-handler.js';

export const fileProviders: Provider[] = [
  {
    provide: FileShelf,
    inject: [FileCatalogue, BlobStore, CONFIG],
    useFactory: (catalogue: FileCatalogue, blobs: BlobStore, config: GatewayConfig) =>
      new FileShelf(catalogue, blobs, {
        maxFiles: config.FILE_MAX_PER_TENANT,
        maxBytes: config.FILE_MAX_BYTES_PER_TENANT,
      }),
  },
  {
    provide: UploadHandler,
    inject: [ReceiveUpload, ImageIntake, BlobStore, FileShelf, TELEMETRY, CONFIG],
    useFactory: (
      uploads: ReceiveUpload,
      images: ImageIntake,
      blobs: BlobStore,
      shelf: FileShelf,
      telemetry: GatewayTelemetry,
      config: GatewayConfig,
    ) =>
      new UploadHandler({
        uploads,
        images,
        blobs,
        shelf,
        telemetry,
        requestTimeoutS: config.REQUEST_TIMEOUT_S,
        defaultLifetimeS: config.FILE_TTL_S,
      }),
  },
];
