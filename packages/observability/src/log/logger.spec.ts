import { PassThrough } from 'node:stream';
import { FoveaError } from '@fovea/errors';
import { describe, expect, it } from '@jest/globals';
import { createLogger, type Logger } from './logger.js';

/** Stands in the middle of every piece of media below; no line may ever hold a part of it. */
const CANARY = 'CanaryCanary';
const CANARY_AS_NUMBERS = String(new TextEncoder().encode(CANARY));
const base64 = `${'iVBORw0KGgo/'.repeat(15)}${CANARY}${'AAAA+BBB'.repeat(20)}==`;
const dataUrl = `data:image/png;base64,${base64}`;
const KEY = 'sk-hunter2';

function recorded(level = 'trace'): { logger: Logger; lines: () => string[] } {
  const destination = new PassThrough();
  const chunks: string[] = [];
  destination.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  const logger = createLogger({ service: 'test', level, destination });
  return {
    logger,
    lines: () =>
      chunks
        .join('')
        .split('\n')
        .filter((line) => line !== ''),
  };
}

/** Every line must be JSON and clean; gives the parsed lines. */
function clean(lines: string[]): Record<string, unknown>[] {
  for (const line of lines) {
    expect(line).not.toContain(CANARY);
    expect(line.replaceAll(/[\s\\"]/g, '')).not.toContain(CANARY_AS_NUMBERS);
    expect(line).not.toContain(KEY);
    expect(line.length).toBeLessThan(100_000);
  }
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const wrapped = (text: string, width: number): string => text.replace(new RegExp(`.{${width}}`, 'g'), '$&\n');

const media: [string, unknown][] = [
  ['a data URL', dataUrl],
  ['a short data URL', `data:image/png;base64,${CANARY}`],
  ['a data URL that is not base64', `data:text/plain,hello ${CANARY} "and" ${CANARY}`],
  ['a data URL with parameters and blanks', `DATA: image/png ; charset=x;base64, ${CANARY}`],
  ['the rest of a data URL', `;base64,${CANARY}`],
  ['bare base64', base64],
  ['url-safe base64', base64.replaceAll('/', '_').replaceAll('+', '-')],
  ['percent-encoded base64', encodeURIComponent(base64)],
  ['JSON-escaped base64', base64.replaceAll('/', '\\/')],
  ['base64 in lines of 76', wrapped(base64, 76)],
  ['base64 with its newlines escaped', wrapped(base64, 64).replaceAll('\n', '\\n')],
  ['base64 inside a sentence', `Invalid image: ${base64}, sorry`],
  ['base64 behind what a scan may cut', `${'word '.repeat(3_250)}${base64}`],
  ['base64 that a scan cuts behind a longer run', `${'A'.repeat(16_384 - 221)} ${base64}`],
  ['base64 far behind', `${'word '.repeat(50_000)}${base64}`],
  ['a request body as text', JSON.stringify({ messages: [{ content: [{ image_url: { url: dataUrl } }] }] })],
  ['a Buffer', Buffer.from(CANARY)],
  ['a typed array', new TextEncoder().encode(CANARY)],
  ['an ArrayBuffer', new TextEncoder().encode(CANARY).buffer],
  ['a Buffer as JSON', Buffer.from(CANARY).toJSON()],
  ['bytes as text', String(new TextEncoder().encode(CANARY.repeat(20)))],
  [
    'a Map',
    new Map<unknown, unknown>([
      ['x', dataUrl],
      [dataUrl, 1],
    ]),
  ],
  ['a Set', new Set([dataUrl])],
  ['a URL object', new URL(dataUrl)],
  ['a field name', { [dataUrl]: 1 }],
  ['an Error', new Error(`bad ${dataUrl}`)],
  ['a FoveaError', new FoveaError('INVALID_IMAGE', { detail: dataUrl, cause: new TypeError(base64) })],
  ['an AggregateError', new AggregateError([new Error(dataUrl)], base64)],
  ['an Error with fields', Object.assign(new Error('x'), { body: CANARY, response: { data: CANARY } })],
  ['an object with toJSON', { toJSON: () => dataUrl, value: 1 }],
  [
    'a class instance',
    new (class Holder {
      picture = dataUrl;
    })(),
  ],
];

const shapes: [string, (logger: Logger, value: unknown) => void][] = [
  ['as message', (logger, value) => logger.info(value as object)],
  ['as field', (logger, value) => logger.info({ value }, 'told')],
  ['nested', (logger, value) => logger.info({ a: [{ b: { value } }] }, 'told')],
  [
    'as format argument',
    (logger, value) => Reflect.apply(logger.info, logger, ['told %s %o %j', value, value, value]),
  ],
  ['as err', (logger, value) => logger.error({ err: value }, 'told')],
  ['in a binding', (logger, value) => logger.child({ value }).info('told')],
  [
    'in a binding of a grandchild',
    (logger, value) => logger.child({ a: 1 }).child({ value }, {}).info('told'),
  ],
  [
    'in later bindings',
    (logger, value) => {
      logger.setBindings({ value });
      logger.info('told');
    },
  ],
];

describe('media cannot reach a log line', () => {
  for (const [shapeName, tell] of shapes) {
    it.each(media)(`${shapeName}: %s`, (_name, value) => {
      const { logger, lines } = recorded();
      tell(logger, value);
      expect(clean(lines())).toHaveLength(1);
    });
  }

  it('even when it is put together by format arguments, prefixes or serializers', () => {
    const { logger, lines } = recorded();
    const [left, right] = [`data:image/png;base64`, `,${CANARY}`];
    logger.info('%s%s', left, right);
    logger.child({}, { msgPrefix: `é"\\${dataUrl} ` }).info('told');
    logger.child({}, { serializers: { picture: () => `\n${base64}` } }).info({ picture: 1 }, 'told');
    expect(clean(lines())).toHaveLength(3);
  });

  it.each(['data', 'url', 'content', 'image_url', 'imageUrl', 'prompt', 'messages', 'text', 'input', 'body'])(
    'hides the user’s words under the name %s',
    (name) => {
      const { logger, lines } = recorded();
      logger.info({ request: { [name]: CANARY }, [name]: [{ deep: CANARY }] }, 'told');
      clean(lines());
    },
  );

  it('says how much was hidden and keeps what stands before it', () => {
    const { logger, lines } = recorded();
    logger.info({ reason: `Invalid image: ${base64}, sorry`, data: 'abc' }, 'told');
    expect(clean(lines())[0]).toMatchObject({
      reason: `Invalid image: [${base64.length} bytes], sorry`,
      data: '[3 bytes]',
      msg: 'told',
    });
  });
});

describe('keys cannot reach a log line', () => {
  it.each([
    'authorization',
    'Authorization',
    'proxy-authorization',
    'x-api-key',
    'apiKey',
    'api_keys',
    'cookie',
    'Set-Cookie',
    'password',
    'SHIM_API_KEY',
    'secretAccessKey',
    'access_token',
    'signature',
    'rawHeaders',
    'keys',
  ])('under the name %s', (name) => {
    const { logger, lines } = recorded();
    logger.info({ headers: { [name]: KEY }, [name]: [KEY], nested: { [name]: { value: KEY } } }, 'told');
    clean(lines());
  });

  it.each([
    `Bearer ${KEY}`,
    `{"authorization":"Bearer ${KEY}"}`,
    `redis://:${KEY}@127.0.0.1:6379`,
    `redis://me:pa/ss@${KEY}@host`,
    `GET /x?api_key=${KEY}&y=1`,
    `{"api_key": "${KEY}"}`,
    `Cookie: ${KEY}`,
  ])('inside the text %s', (text) => {
    const { logger, lines } = recorded();
    logger.info(text);
    logger.error(new Error(text));
    logger.error({ detail: text, list: [text] }, 'told');
    clean(lines());
  });
});

describe('a log line', () => {
  it('has an ISO time, the level by name, the service and the bindings', () => {
    const { logger, lines } = recorded();
    logger.child({ requestId: 'r1' }).warn({ model: 'ocr', count: 2, ok: true }, 'told %d', 3);
    const [line] = clean(lines());
    expect(line).toMatchObject({
      level: 'warn',
      service: 'test',
      requestId: 'r1',
      model: 'ocr',
      count: 2,
      ok: true,
      msg: 'told 3',
    });
    expect(new Date(String(line?.time)).toISOString()).toBe(line?.time);
  });

  it('tells an error with code, detail, stack and cause', () => {
    const { logger, lines } = recorded();
    logger.error(
      new FoveaError('BACKEND_ERROR', { detail: 'engine said 500', cause: new Error('socket hang up') }),
    );
    const [line] = clean(lines());
    expect(line).toMatchObject({
      msg: 'The engine failed to answer.',
      err: {
        name: 'FoveaError',
        code: 'BACKEND_ERROR',
        detail: 'engine said 500',
        cause: { message: 'socket hang up' },
      },
    });
    expect(JSON.stringify(line)).toContain('logger.spec');
  });

  it('survives values that fight back', () => {
    const { logger, lines } = recorded();
    const circular: Record<string, unknown> = { name: 'x' };
    circular.self = circular;
    const hostile = {
      circular,
      get boom(): never {
        throw new Error('boom');
      },
    };
    const proxy = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('boom');
        },
      },
    );
    logger.info(hostile, 'told');
    logger.info({ circular, proxy, big: 10n, symbol: Symbol('s'), date: new Date(Number.NaN) }, 'told');
    logger.info(JSON.parse('{"__proto__":{"polluted":true},"a":1}'), 'told %s', { toString: 1, valueOf: 1 });
    const [, second, third] = clean(lines());
    expect(second).toMatchObject({
      circular: { name: 'x', self: '[circular]' },
      proxy: '[unreadable]',
      big: '10',
    });
    expect(third).toMatchObject({ a: 1 });
  });

  it('stays small whatever it is given', () => {
    const { logger, lines } = recorded();
    let deep: unknown = 'end';
    for (let level = 0; level < 10_000; level += 1) deep = { deep };
    const bush = (level: number): unknown =>
      level === 0 ? 'leaf '.repeat(200) : Array.from({ length: 40 }, () => bush(level - 1));
    const wide = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, index) => [`field ${index}`, 'word '.repeat(100)]),
    );
    logger.info(
      { deep, bush: bush(3), wide, long: 'word '.repeat(1_000_000), list: new Array(1e6).fill(1) },
      'told',
    );
    logger.info('told %s', 'word '.repeat(1_000_000));
    expect(clean(lines())).toHaveLength(2);
  });

  it('is not looked at below the level', () => {
    const { logger, lines } = recorded('info');
    logger.debug(
      {
        get never(): string {
          throw new Error('was read');
        },
      },
      'told',
    );
    expect(lines()).toEqual([]);
  });
});
