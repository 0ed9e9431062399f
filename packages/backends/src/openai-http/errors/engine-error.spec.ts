import { describe, expect, it } from '@jest/globals';
import { isEngineGone } from '../../engine-gone.js';
import { parseRetryAfter, toFoveaError } from './engine-error.js';
import { findErrorEvent, readErrorBody } from './engine-report.js';

const path = 'messages[0].content[1].image_url.url';
const withImage = { imagePaths: [path] };

describe('toFoveaError', () => {
  it.each([
    [
      "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4900 in the messages, 100 in the completion).",
      4096,
      5000,
    ],
    ["This model's maximum context length is 4096 tokens and your request has 4400 input tokens", 4096, 4400],
    ["Input length (9000) exceeds model's maximum context length (8192).", 8192, 9000],
    [
      'The decoder prompt (length 900) is longer than the maximum model length of 800. Make sure that `max_model_len` is no smaller than the number of text tokens plus multimodal tokens.',
      800,
      900,
    ],
    [
      "'max_tokens' or 'max_completion_tokens' is too large: 9000. This model's maximum context length is 8192 tokens",
      8192,
      9000,
    ],
  ])('knows a lack of context by its words: %s', (message, value, actual) => {
    expect(toFoveaError({ status: 400, message }, withImage)).toMatchObject({
      code: 'CONTEXT_LENGTH_EXCEEDED',
      message: 'The prompt does not fit the context of the model.',
      limit: { name: 'max_model_len', value, actual },
    });
  });

  it.each([
    ['Failed to load image: broken data stream when reading image file', 'INVALID_IMAGE'],
    ['cannot identify image file <_io.BytesIO object at 0x7f3a5c0b1d50> None', 'INVALID_IMAGE'],
    ['absolute aspect ratio must be smaller than 200, got 400.0 for the image', 'INVALID_IMAGE'],
    ['qwen is not a multimodal model', 'MISSING_CAPABILITY'],
    [
      'The item has a length of 20000, which exceeds the pre-allocated encoder cache size 16384. Consider --limit-mm-per-prompt',
      'IMAGE_TOO_LARGE',
    ],
  ])('knows trouble with the image: %s', (message, code) => {
    expect(toFoveaError({ status: 400, message }, withImage)).toMatchObject({ code, param: path });
  });

  it('never relays the words of an image decoder, and names no image when there are several', () => {
    const message = 'cannot identify image file <_io.BytesIO object at 0x7f3a5c0b1d50>';
    const error = toFoveaError({ status: 400, message }, { imagePaths: [path, 'other'] });
    expect(error).toMatchObject({
      code: 'INVALID_IMAGE',
      message: 'The image cannot be read.',
      param: undefined,
    });
    expect(error.detail).toContain(message);
  });

  it('keeps media and keys out of the log’s detail, too, and does not choke on a huge message', () => {
    const image = Buffer.alloc(300_000, 'picture').toString('base64');
    const text = JSON.stringify({
      error: { message: `Bearer tenant-key: bad input {'url': 'data:image/png;base64,${image}'}`, code: 400 },
    });
    const { detail } = toFoveaError(readErrorBody(400, text), withImage);
    expect(detail).not.toMatch(/tenant-key|[A-Za-z0-9+/]{80}/);
    expect(detail?.length).toBeLessThan(2100);
    const hostile = readErrorBody(400, 'a.'.repeat(500_000));
    expect(toFoveaError(hostile, withImage).message.length).toBeLessThanOrEqual(300);
  });

  it.each([
    ['"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set', 'tools'],
    ['tool_choice="required" requires --tool-call-parser to be set', 'tools'],
    ['The model does not support Embeddings API', undefined],
    ['The model does not support the Chat Completions API', undefined],
  ])('knows what the model cannot do: %s', (message, param) => {
    expect(toFoveaError({ status: 400, message }, { imagePaths: [] })).toMatchObject({
      code: 'MISSING_CAPABILITY',
      param,
    });
  });

  it('names the field of a vector’s length, and that of the texts', () => {
    const matryoshka =
      'Model "x" does not support matryoshka representation, changing output dimensions will lead to poor results.';
    const facts = { imagePaths: [], promptField: 'input' };
    expect(toFoveaError({ status: 400, message: matryoshka }, facts)).toMatchObject({
      code: 'INVALID_REQUEST',
      param: 'dimensions',
      message: 'The vectors of this model cannot be cut to other dimensions.',
    });
    const long = "This model's maximum context length is 512 tokens. However, you requested 600 tokens";
    expect(toFoveaError({ status: 400, message: long, param: 'input_tokens' }, facts)).toMatchObject({
      code: 'CONTEXT_LENGTH_EXCEEDED',
      param: 'input',
    });
    const item = { status: 400, message: 'must be a token id', param: 'prompt_items[3].token_ids[0]' };
    expect(toFoveaError(item, { imagePaths: [], promptField: 'prompt' })).toMatchObject({
      code: 'INVALID_REQUEST',
      param: 'prompt',
    });
  });

  it.each([
    ['The file path /srv/blobs/ab.png must be a subpath of `--allowed-local-media-path` /media.'],
    ['Cannot load local files without `--allowed-local-media-path`'],
    ["[Errno 2] No such file or directory: '/srv/blobs/ab.png'"],
    ["[Errno 13] Permission denied: '/srv/blobs/ab.png'"],
    [
      'As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template',
    ],
  ])('takes what only the operator can change for a fault of the deployment: %s', (message) => {
    expect(toFoveaError({ status: 400, message }, withImage)).toMatchObject({
      code: 'BACKEND_ERROR',
      message: 'The engine failed to answer.',
      detail: expect.stringContaining(message.slice(0, 20)),
    });
  });

  it.each([
    [500, 'EngineCore encountered an issue. See stack trace (above) for the root cause.'],
    [500, 'EngineDeadError: EngineCore died unexpectedly'],
    [503, 'vllm.v1.engine.exceptions.EngineDeadError'],
    [500, 'Background loop has errored already.'],
    [500, 'Background loop is not running'],
    [500, 'Engine loop is not running. Inspect the stacktrace to find the original error.'],
  ])('knows an engine that is dead by its words (%d %s)', (status, message) => {
    const error = toFoveaError({ status, message }, withImage);
    expect(error).toMatchObject({ code: 'BACKEND_ERROR' });
    expect(isEngineGone(error)).toBe(true);
    expect(isEngineGone(toFoveaError({ status, message: '', type: 'EngineDeadError' }, withImage))).toBe(
      true,
    );
  });

  it.each([
    [500, 'Internal server error'],
    [500, 'CUDA out of memory. Tried to allocate 2.00 GiB.'],
    [503, 'The queue of the engine core is full'],
    // A client can make an engine repeat words; only a failure of the engine counts.
    [400, 'Unknown part type: EngineDeadError'],
  ])('does not take a failure for a death (%d %s)', (status, message) => {
    expect(isEngineGone(toFoveaError({ status, message }, withImage))).toBe(false);
  });

  it.each([400, 500])('takes a lost image for the engine’s own fault (%d)', (status) => {
    const message = "Expected a cached item for mm_hash='b6e4…' of multi-modal image";
    const error = toFoveaError({ status, message }, withImage);
    expect(error).toMatchObject({ code: 'BACKEND_ERROR', param: undefined });
    expect(error.entry.retryable).toBe(true);
    expect(isEngineGone(error)).toBe(false);
  });

  it('counts images', () => {
    const message = 'At most 1 image(s) may be provided in one prompt.';
    expect(toFoveaError({ status: 400, message }, { imagePaths: [path, path] })).toMatchObject({
      code: 'INVALID_REQUEST',
      message: 'At most 1 images per request.',
      limit: { name: 'max_images_per_prompt', value: 1, actual: 2 },
    });
  });

  it('passes on why a parameter was refused, and which', () => {
    const message = 'top_p must be in (0, 1], got 2. (parameter=top_p, value=2)';
    expect(toFoveaError({ status: 400, message, param: 'top_p' }, { imagePaths: [] })).toMatchObject({
      code: 'INVALID_REQUEST',
      message: 'top_p must be in (0, 1], got 2.',
      param: 'top_p',
    });
  });

  it.each([
    [404, { type: 'NotFoundError', message: 'The model `x` does not exist.' }, 'UNKNOWN_MODEL'],
    [404, { message: 'Not Found' }, 'BACKEND_ERROR'],
    [405, { message: 'Method Not Allowed' }, 'BACKEND_ERROR'],
    [401, { message: 'Unauthorized' }, 'BACKEND_ERROR'],
    [403, { message: '' }, 'BACKEND_ERROR'],
    [413, { message: 'too big' }, 'PAYLOAD_TOO_LARGE'],
    [422, { message: 'field required' }, 'INVALID_REQUEST'],
    [500, { message: 'Internal image error' }, 'BACKEND_ERROR'],
    [501, { message: 'nope' }, 'BACKEND_ERROR'],
    [307, { message: '' }, 'BACKEND_ERROR'],
  ])('maps status %d with %j to %s', (status, report, code) => {
    expect(toFoveaError({ status, ...report }, withImage).code).toBe(code);
  });
});

describe('readErrorBody', () => {
  it.each([
    ['{"error":{"message":"m","type":"T","param":"p","code":400}}', { message: 'm', type: 'T', param: 'p' }],
    ['{"error":{"message":"m","type":null,"param":null,"code":"bad"}}', { message: 'm' }],
    ['{"error":"m"}', { message: 'm' }],
    ['{"object":"error","message":"m","type":"T","param":null,"code":400}', { message: 'm', type: 'T' }],
    ['{"detail":"m"}', { message: 'm' }],
    [
      '{"detail":[{"loc":["body","messages",0],"msg":"m","type":"missing"}]}',
      { message: 'm', param: 'messages.0' },
    ],
    ['  m\n', { message: 'm' }],
    ['{"unlike":"anything"}', { message: '{"unlike":"anything"}' }],
    ['', { message: '' }],
  ])('reads %s', (text, expected) => {
    const report = readErrorBody(400, text);
    expect(report).toMatchObject({ status: 400, ...expected });
  });
});

describe('findErrorEvent', () => {
  it.each([
    [{ error: { message: 'm', code: 404 } }, 404],
    [{ error: { message: 'm', code: '400' } }, 400],
    [{ error: { message: 'm', type: 'BadRequestError', code: null } }, 400],
    [{ object: 'error', message: 'm', type: 'NotFoundError' }, 404],
    [{ error: { message: 'm', code: 12 } }, 500],
    [{ error: 'm' }, 500],
  ])('finds the status of %j', (value, status) => {
    expect(findErrorEvent(value)).toMatchObject({ status, message: 'm' });
  });

  it.each([[{ choices: [] }], [{ error: null, choices: [] }], ['text'], [null], [undefined]])(
    'sees no error in %j',
    (value) => {
      expect(findErrorEvent(value)).toBeUndefined();
    },
  );
});

describe('parseRetryAfter', () => {
  it('reads seconds and dates, within 1 and 600', () => {
    const nowMs = Date.parse('2026-11-22T10:00:00Z');
    expect(parseRetryAfter('Sun, 22 Nov 2026 10:00:30 GMT', nowMs)).toBe(30);
    expect(parseRetryAfter('Sun, 22 Nov 2026 09:00:00 GMT', nowMs)).toBe(1);
    expect(parseRetryAfter('0')).toBe(1);
    expect(parseRetryAfter('86400')).toBe(600);
    expect(parseRetryAfter(undefined)).toBe(1);
  });
});
