import { BlobStore } from '@fovea/blob-store';
import { createBlobStore } from '@fovea/blob-store/from-url';
import { JobQueue } from '@fovea/job-queue';
import { createBullMqJobQueue } from '@fovea/job-queue/bullmq';
import { ModelRegistry } from '@fovea/model-registry';
import { createRedisModelRegistry } from '@fovea/model-registry/redis';
import type { GatewayTelemetry, Logger } from '@fovea/observability';
import { Quarantine } from '@fovea/quarantine';
import { createRedisQuarantine } from '@fovea/quarantine/redis';
import type { RedisSettings } from '@fovea/redis';
import { TokenStream } from '@fovea/token-stream';
import { createRedisTokenStream } from '@fovea/token-stream/redis';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { Admission } from './admission/admission.js';
import { ChatController } from './completions/chat.controller.js';
import { ChatHandler } from './completions/chat-handler.js';
import { RunChat } from './completions/run-chat.js';
import { Delivery } from './delivery/delivery.js';
import { InterestKeeper } from './delivery/interest-keeper.js';
import { Sweeper } from './delivery/sweeper.js';
import { FileCatalogue } from './files/file-catalogue.js';
import { FileShelf } from './files/file-shelf.js';
import { FilesController } from './files/files.controller.js';
import { createRedisFileCatalogue } from './files/redis-file-catalogue.js';
import { UploadHandler } from './files/upload-handler.js';
import { CONFIG, type GatewayConfig, MAX_IMAGE_SIDE_PX } from './gateway.config.js';
import { BodyReader } from './ingest/body-reader.js';
import { ImageIntake } from './ingest/image-intake.js';
import { StreamingBodyReader } from './ingest/streaming-body-reader.js';
import { TextParser } from './ingest/text/text-parser.js';
import { ModelsController } from './models/models.controller.js';
import { OpenApiController } from './openapi/openapi.controller.js';
import { StatusController } from './ops/status.controller.js';
import { ReceiveUpload } from './upload/receive-upload.js';

export const LOGGER = Symbol('Logger');
const TELEMETRY = Symbol('GatewayTelemetry');

function adapters(config: GatewayConfig, logger: Logger): Provider[] {
  const redis: RedisSettings = {
    url: config.REDIS_URL,
    clientName: 'fovea-gateway',
    onError: (error) => logger.warn({ err: error }, 'Redis'),
  };
  return [
    {
      provide: BlobStore,
      useFactory: () =>
        createBlobStore(config.BLOB_STORE_URL, {
          lingerS: config.BLOB_LINGER_S,
          maxBytes: config.BLOB_MAX_BYTES,
          maxReferenceAgeS: config.REQUEST_TIMEOUT_S * 2,
          accessKeyId: config.AWS_ACCESS_KEY_ID,
          secretAccessKey: config.AWS_SECRET_ACCESS_KEY,
          sessionToken: config.AWS_SESSION_TOKEN,
        }),
    },
    { provide: JobQueue, useFactory: () => createBullMqJobQueue({ redis, role: 'producer' }) },
    {
      provide: TokenStream,
      useFactory: () => createRedisTokenStream({ redis, role: 'producer', logTtlS: config.LOG_TTL_S }),
    },
    {
      provide: ModelRegistry,
      useFactory: () => createRedisModelRegistry({ redis, role: 'producer', graceS: config.WORKER_GRACE_S }),
    },
    { provide: Quarantine, useFactory: () => createRedisQuarantine({ redis, role: 'producer' }) },
    { provide: FileCatalogue, useFactory: () => createRedisFileCatalogue(redis) },
  ];
}

const services: Provider[] = [
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
  {
    provide: RunChat,
    inject: [ModelRegistry, Admission, Delivery, BlobStore, FileShelf, Quarantine],
    useFactory: (...ports: [ModelRegistry, Admission, Delivery, BlobStore, FileShelf, Quarantine]): RunChat =>
      new RunChat(...ports),
  },
  {
    provide: ChatHandler,
    inject: [ReceiveUpload, BodyReader, ImageIntake, BlobStore, RunChat, TELEMETRY, CONFIG],
    useFactory: (
      upload: ReceiveUpload,
      reader: BodyReader,
      images: ImageIntake,
      blobs: BlobStore,
      chat: RunChat,
      telemetry: GatewayTelemetry,
      config: GatewayConfig,
    ) =>
      new ChatHandler({
        upload,
        reader,
        images,
        blobs,
        chat,
        telemetry,
        requestTimeoutS: config.REQUEST_TIMEOUT_S,
      }),
  },
];

/** The composition root: the one file that picks adapters. */
@Module({})
export class AppModule {
  static register(config: GatewayConfig, logger: Logger, telemetry: GatewayTelemetry): DynamicModule {
    return {
      module: AppModule,
      controllers: [ChatController, FilesController, ModelsController, StatusController, OpenApiController],
      providers: [
        { provide: CONFIG, useValue: config },
        { provide: LOGGER, useValue: logger },
        { provide: TELEMETRY, useValue: telemetry },
        ...adapters(config, logger),
        ...services,
      ],
    };
  }
}
