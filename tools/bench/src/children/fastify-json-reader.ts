import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/**
 * Preload for the gateway: its chat route as it would be with Fastify's own JSON parser. Everything else stays: the
 * door, the controller, admission, the schema, the queue. Fastify collects and parses the body, as it does where nobody
 * tells it otherwise, and a reader in the place of ours hands that value on. Bodies with pictures are not its business.
 */

interface ParsedRequest {
  readonly raw: IncomingMessage;
  readonly body: unknown;
}

interface FastifyLike {
  getDefaultJsonParser(onProto: 'error', onConstructor: 'error'): unknown;
  addContentTypeParser(
    type: string,
    options: { parseAs: 'string'; bodyLimit: number },
    parser: unknown,
  ): void;
  removeAllContentTypeParsers(): void;
  addHook(name: 'preHandler', hook: (request: ParsedRequest, reply: unknown, done: () => void) => void): void;
}

interface Provider {
  readonly provide?: unknown;
  readonly useValue?: unknown;
}

interface GatewayModules {
  readonly AppModule: { register(...args: unknown[]): { providers?: Provider[] } };
  readonly BodyReader: unknown;
  readonly ReceiveUpload: unknown;
  readonly NestFactory: {
    create(module: unknown, adapter: { getInstance(): FastifyLike }, options: unknown): Promise<unknown>;
  };
}

const BODY_LIMIT_BYTES = 128 * 1024 * 1024;
const parsed = new WeakMap<IncomingMessage, unknown>();

/** In the place of the gateway's reader: the body has been read by Fastify when this is asked for it. */
const reader = {
  read: async (source: IncomingMessage): Promise<unknown> => ({
    value: parsed.get(source),
    media: new Map(),
    byteSize: Number(source.headers['content-length'] ?? 0),
  }),
};

/**
 * In the place of what unpacks and times uploads: a body that Fastify has read needs neither. Bytes in flight are not
 * counted either, which is in favour of this contender.
 */
const uploads = {
  receive: <T>(
    request: ParsedRequest,
    _reply: unknown,
    read: (body: IncomingMessage) => Promise<T>,
  ): Promise<T> => read(request.raw),
};

async function loadGateway(): Promise<GatewayModules> {
  const main = process.argv[1];
  if (main === undefined) throw new Error('expected the gateway as program');
  const load = (path: string): Promise<GatewayModules> => import(new URL(path, pathToFileURL(main)).href);
  // The gateway's own copy of Nest, whatever else is installed.
  const nest = pathToFileURL(createRequire(main).resolve('@nestjs/core')).href;
  const { NestFactory }: GatewayModules = await import(nest);
  const { AppModule } = await load('app.module.js');
  const { BodyReader } = await load('ingest/body-reader.js');
  const { ReceiveUpload } = await load('upload/receive-upload.js');
  if ([AppModule, BodyReader, ReceiveUpload, NestFactory].includes(undefined)) {
    throw new Error('the gateway is not built as this preload expects');
  }
  return { AppModule, BodyReader, ReceiveUpload, NestFactory };
}

function replaceProvider(providers: readonly Provider[], provide: unknown, useValue: unknown): Provider[] {
  const others = providers.filter((provider) => provider.provide !== provide);
  if (others.length !== providers.length - 1) throw new Error('the gateway has no such provider to replace');
  return [...others, { provide, useValue }];
}

const { AppModule, BodyReader, ReceiveUpload, NestFactory } = await loadGateway();

const register = AppModule.register.bind(AppModule);
AppModule.register = (...args) => {
  const module = register(...args);
  const providers = replaceProvider(module.providers ?? [], BodyReader, reader);
  return { ...module, providers: replaceProvider(providers, ReceiveUpload, uploads) };
};

const create = NestFactory.create.bind(NestFactory);
NestFactory.create = (module, adapter, options) => {
  const fastify = adapter.getInstance();
  const parser = fastify.getDefaultJsonParser('error', 'error');
  const removeAll = fastify.removeAllContentTypeParsers.bind(fastify);
  // The door takes all parsers away, after the app was made.
  fastify.removeAllContentTypeParsers = () => {
    removeAll();
    const options = { parseAs: 'string', bodyLimit: BODY_LIMIT_BYTES } as const;
    fastify.addContentTypeParser('application/json', options, parser);
  };
  fastify.addHook('preHandler', (request, _reply, done) => {
    parsed.set(request.raw, request.body);
    done();
  });
  return create(module, adapter, options);
};
