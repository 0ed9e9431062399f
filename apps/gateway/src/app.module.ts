import { BlobStore } from '@fovea/blob-store';
import { createBlobStore } from '@fovea/blob-store/from-url';
import { JobQueue, LaneControl } from '@fovea/job-queue';
import { createBullMqJobQueue, createBullMqLaneControl } from '@fovea/job-queue/bullmq';
import { ModelRegistry } from '@fovea/model-registry';
import { createRedisModelRegistry } from '@fovea/model-registry/redis';
import type { GatewayTelemetry, Logger } from '@fovea/observability';
import { Quarantine } from '@fovea/quarantine';
import { createRedisQuarantine } from '@fovea/quarantine/redis';
import type { RedisSettings } from '@fovea/redis';
import { TokenStream } from '@fovea/token-stream';
import { createRedisTokenStream } from '@fovea/token-stream/redis';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { AccountsController } from './accounts/accounts.controller.js';
import { accountProviders } from './accounts/accounts.providers.js';
import { ApiKeysController } from './accounts/api-keys.controller.js';
import { ExpectedAnswers } from './admission/expected-answers.js';
import { withExpectedAnswers } from './admission/with-expected-answers.js';
import { ApiKeyStore } from './auth/api-key-store.js';
import { createRedisApiKeyStore } from './auth/redis-api-key-store.js';
import { ChatController } from './chat/chat.controller.js';
import { chatProviders } from './chat/chat.providers.js';
import { CompletionController } from './completion/completion.controller.js';
import { completionProviders } from './completion/completion.providers.js';
import { EmbeddingsController } from './embeddings/embeddings.controller.js';
import { embeddingProviders } from './embeddings/embeddings.providers.js';
import { FileCatalogue } from './files/file-catalogue.js';
import { FilesController } from './files/files.controller.js';
import { fileProviders } from './files/files.providers.js';
import { createRedisFileCatalogue } from './files/redis-file-catalogue.js';
import { CONFIG, type GatewayConfig } from './gateway.config.js';
import { LOGGER, TELEMETRY } from './injection-tokens.js';
import { createRedisRequestJournal } from './journal/redis-request-journal.js';
import { RequestJournal } from './journal/request-journal.js';
import { withJournal } from './journal/with-journal.js';
import { ModelPackagesController } from './models/model-packages.controller.js';
import { ModelsController } from './models/models.controller.js';
import { OpenApiController } from './openapi/openapi.controller.js';
import { StatusController } from './ops/status.controller.js';
import { ImageTokensController } from './playground/image-tokens.controller.js';
import { RerankController } from './rerank/rerank.controller.js';
import { rerankProviders } from './rerank/rerank.providers.js';
import { taskProviders } from './tasks/tasks.providers.js';
import { TokensController } from './tokens/tokens.controller.js';
import { tokenProviders } from './tokens/tokens.providers.js';
import { TranscriptionController } from './transcription/transcription.controller.js';
import { transcriptionProviders } from './transcription/transcription.providers.js';
import { UnofferedController } from './unoffered/unoffered.controller.js';
import { unofferedProviders } from './unoffered/unoffered.providers.js';

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
    { provide: LaneControl, useFactory: () => createBullMqLaneControl(redis) },
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
    { provide: ApiKeyStore, useFactory: () => createRedisApiKeyStore(redis) },
    {
      provide: RequestJournal,
      useFactory: () => createRedisRequestJournal(redis, config.REQUEST_JOURNAL_TTL_S),
    },
  ];
}

/** The composition root: the one file that picks adapters. */
@Module({})
export class AppModule {
  static register(config: GatewayConfig, logger: Logger, telemetry: GatewayTelemetry): DynamicModule {
    return {
      module: AppModule,
      controllers: [
        AccountsController,
        ApiKeysController,
        ChatController,
        CompletionController,
        EmbeddingsController,
        RerankController,
        TokensController,
        TranscriptionController,
        UnofferedController,
        FilesController,
        ImageTokensController,
        ModelsController,
        ModelPackagesController,
        StatusController,
        OpenApiController,
      ],
      providers: [
        { provide: CONFIG, useValue: config },
        { provide: LOGGER, useValue: logger },
        {
          provide: TELEMETRY,
          inject: [RequestJournal, ExpectedAnswers],
          useFactory: (journal: RequestJournal, answers: ExpectedAnswers) =>
            withJournal(withExpectedAnswers(telemetry, answers), journal, (error) =>
              logger.warn({ err: error }, 'could not write the journal'),
            ),
        },
        ...adapters(config, logger),
        ...taskProviders,
        ...chatProviders,
        ...completionProviders,
        ...fileProviders,
        ...accountProviders,
        ...embeddingProviders,
        ...rerankProviders,
        ...tokenProviders,
        ...transcriptionProviders,
        ...unofferedProviders,
      ],
    };
  }
}
