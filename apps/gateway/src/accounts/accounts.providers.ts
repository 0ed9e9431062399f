import type { Provider } from '@nestjs/common';
import { ApiKeyStore } from '../auth/api-key-store.js';
import { ConfiguredKeys } from '../auth/configured-keys.js';
import { CreatedKeys } from '../auth/created-keys.js';
import { KeyRing } from '../auth/key-ring.js';
import { CONFIG, type GatewayConfig, parseKeys } from '../gateway.config.js';
import { BodyReader } from '../ingest/body-reader.js';
import { ReceiveJson } from '../upload/receive-json.js';
import { ReceiveUpload } from '../upload/receive-upload.js';

export const accountProviders: Provider[] = [
  {
    provide: ReceiveJson,
    inject: [ReceiveUpload, BodyReader, CONFIG],
    useFactory: (uploads: ReceiveUpload, reader: BodyReader, config: GatewayConfig) =>
      new ReceiveJson(uploads, reader, config.REQUEST_TIMEOUT_S),
  },
  {
    provide: ConfiguredKeys,
    inject: [CONFIG],
    useFactory: (config: GatewayConfig) =>
      new ConfiguredKeys([
        ...parseKeys(config.GATEWAY_API_KEYS).map((pair) => ({ ...pair, isAdmin: false })),
        ...parseKeys(config.GATEWAY_ADMIN_KEYS ?? '').map((pair) => ({ ...pair, isAdmin: true })),
      ]),
  },
  {
    provide: CreatedKeys,
    inject: [ApiKeyStore, ConfiguredKeys, CONFIG],
    useFactory: (store: ApiKeyStore, configured: ConfiguredKeys, config: GatewayConfig) =>
      new CreatedKeys(store, {
        maxPerTenant: config.API_KEYS_MAX_PER_TENANT,
        isTenant: (tenant) => configured.has(tenant),
      }),
  },
  {
    provide: KeyRing,
    inject: [ConfiguredKeys, CreatedKeys],
    useFactory: (...keys: [ConfiguredKeys, CreatedKeys]) => new KeyRing(...keys),
  },
];
