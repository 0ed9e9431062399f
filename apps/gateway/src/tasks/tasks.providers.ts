import { BlobStore } from '@fovea/blob-store';
import { JobQueue, LaneControl } from '@fovea/job-queue';
import { ModelRegistry } from '@fovea/model-registry';
import type { GatewayTelemetry, Logger } from '@fovea/observability';
import { Quarantine } from '@fovea/quarantine';
import { TokenStream } from '@fovea/token-stream';
import type { Provider } from '@nestjs/common';
import { Admission } from '../admission/admission.js';
import { ExpectedAnswers } from '../admission/expected-answers.js';
import { Delivery } from '../delivery/delivery.js';
import { InterestKeeper } from '../delivery/interest-keeper.js';
import { Sweeper } from '../delivery/sweeper.js';
import { CONFIG, type GatewayConfig, MAX_IMAGE_SIDE_PX } from '../gateway.config.js';
import { BodyReader } from '../ingest/body-reader.js';
import { ImageIntake } from '../ingest/image-intake.js';
import { StreamingBodyReader } from '../ingest/streaming-body-reader.js';
import { TextParser } from '../ingest/text/text-parser.js';
import { LOGGER, TELEMETRY } from '../injection-tokens.js';
import { ReceiveUpload } from '../upload/receive-upload.js';
import { ModelDirectory } from './model-directory.js';
import { SubmitJob } from './submit-job.js';
import { TaskRoute } from './task-route.js';

/** What every route that makes a job goes through. */
export const taskProviders: Provider[] = [
  {
    provide: InterestKeeper,
    inject: [TokenStream, LOGGER],
    useFactory: (stream: TokenStream, logger: Logger) =>
      new InterestKeeper(stream, (error) => logger.warn({ err: error }, 'could not renew interest')),
  },
  {
    provide: Delivery,
    inject: [JobQueue, TokenStream, BlobStore, InterestKeeper, LOGGER],
    useFactory: (...ports: [JobQueue, TokenStream, BlobStore, InterestKeeper, Logger]): Delivery =>
      new Delivery(...ports),
  },
  {
    provide: Sweeper,
    inject: [JobQueue, TokenStream, BlobStore, ModelRegistry, Delivery, LOGGER],
    useFactory: (...ports: [JobQueue, TokenStream, BlobStore, ModelRegistry, Delivery, Logger]): Sweeper =>
      new Sweeper(...ports),
  },
  {
    provide: Admission,
    inject: [JobQueue, CONFIG, TELEMETRY],
    useFactory: (queue: JobQueue, config: GatewayConfig, telemetry: GatewayTelemetry) =>
      new Admission(
        queue,
        {
          maxBodyBytes: config.GATEWAY_MAX_BODY_BYTES,
          maxBytesInFlight: config.GATEWAY_MAX_BYTES_IN_FLIGHT,
          maxBytesInFlightPerTenant: config.GATEWAY_MAX_BYTES_IN_FLIGHT_PER_TENANT,
          maxWaitingJobsPerLane: config.GATEWAY_MAX_WAITING_JOBS,
        },
        (bytes) => telemetry.uploadBytesInFlight(bytes),
      ),
  },
  {
    provide: ReceiveUpload,
    inject: [Admission, CONFIG],
    useFactory: (admission: Admission, config: GatewayConfig) =>
      new ReceiveUpload(admission, {
        maxBodyBytes: config.GATEWAY_MAX_BODY_BYTES,
        idleMs: config.GATEWAY_UPLOAD_IDLE_S * 1000,
        minBytesPerS: config.GATEWAY_UPLOAD_MIN_BYTES_PER_S,
      }),
  },
  { provide: ExpectedAnswers, useFactory: () => new ExpectedAnswers() },
  { provide: TextParser, useFactory: () => new TextParser() },
  {
    provide: BodyReader,
    inject: [TextParser, CONFIG],
    useFactory: (texts: TextParser, config: GatewayConfig) =>
      new StreamingBodyReader({ maxBodyBytes: config.GATEWAY_MAX_BODY_BYTES, texts }),
  },
  {
    provide: ImageIntake,
    inject: [BlobStore],
    useFactory: (blobs: BlobStore) => new ImageIntake(blobs, { maxImageSidePx: MAX_IMAGE_SIDE_PX }),
  },
  {
    provide: TaskRoute,
    inject: [ReceiveUpload, BodyReader, ImageIntake, BlobStore, TELEMETRY, CONFIG],
    useFactory: (
      upload: ReceiveUpload,
      reader: BodyReader,
      images: ImageIntake,
      blobs: BlobStore,
      telemetry: GatewayTelemetry,
      { REQUEST_TIMEOUT_S: requestTimeoutS }: GatewayConfig,
    ) => new TaskRoute({ upload, reader, images, blobs, telemetry, requestTimeoutS }),
  },
  {
    provide: ModelDirectory,
    inject: [ModelRegistry],
    useFactory: (registry: ModelRegistry) => new ModelDirectory(registry),
  },
  {
    provide: SubmitJob,
    inject: [Admission, Delivery, BlobStore, Quarantine, ExpectedAnswers, LaneControl],
    useFactory: (...ports: [Admission, Delivery, BlobStore, Quarantine, ExpectedAnswers, LaneControl]) =>
      new SubmitJob(...ports),
  },
];
