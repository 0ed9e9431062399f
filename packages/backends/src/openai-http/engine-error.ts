import { type ErrorCode, FoveaError, type FoveaErrorOptions } from '@fovea/errors';
import type { EngineReport } from './engine-report.js';
import { toLogText, toPublicText } from './public-text.js';

export interface ErrorContext {
  /** Where the client put its images. A single one is named when the engine dislikes "the image". */
  readonly imagePaths: readonly string[];
  /** `Retry-After` of the engine's answer, as it came. */
  readonly retryAfter?: string | undefined;
}

const defaultRetryAfterS = 1;
const maxRetryAfterS = 600;

const aboutContext =
  /maximum context length|maximum model length|max_model_len|context (?:length|window)|prompt is too long/i;
const aboutCapability =
  /not a multimodal model|does not support (?:image|multimodal|vision)|unsupported chat content part/i;
const aboutImageCount = /at most (\d+) image/i;
const aboutImageSize = /limit-mm-per-prompt|encoder (?:cache|budget)|decompression bomb|max_image_pixels/i;
const aboutImage = /\bimages?\b|image_url|\bPIL\b|multi-?modal|\bbase64\b|data url/i;

/** The engine's words for the log, with what is known around them. */
function detailOf(report: EngineReport): string {
  const message = toLogText(report.message) || 'no message';
  return `engine answered ${report.status}${report.type ? ` ${report.type}` : ''}: ${message}`;
}

function firstNumber(text: string, patterns: readonly RegExp[]): number | undefined {
  const found = patterns.map((pattern) => pattern.exec(text)?.[1]).find((digits) => digits !== undefined);
  return found === undefined ? undefined : Number(found);
}

function contextLimit(message: string): FoveaErrorOptions['limit'] {
  const value = firstNumber(message, [
    /(?:context|model) length\s*(?:is|of|:)?\s*\(?(\d+)/i,
    /max_model_len[^\d]{0,20}(\d+)/i,
  ]);
  if (value === undefined) return undefined;
  const actual = firstNumber(message, [
    /requested (\d+) tokens/i,
    /(?:input length|prompt)\s*\((?:length\s*)?(\d+)/i,
    /too large: (\d+)/i,
    /(?:request has|contains at least|contains) (\d+)/i,
  ]);
  return { name: 'max_model_len', value, ...(actual === undefined ? {} : { actual }) };
}

/** A request field the engine names, if it is one that clients know. */
function clientParam(param: string | undefined): string | undefined {
  if (param === undefined || !/^[a-z][\w.[\]]{0,100}$/i.test(param)) return undefined;
  if (param === 'type' || param === 'model') return undefined;
  return param.startsWith('input_') ? 'messages' : param;
}

/** Why the engine refused a request that reached it in one piece. */
function refusal(report: EngineReport, context: ErrorContext): FoveaError {
  const { message } = report;
  const detail = detailOf(report);
  const imagePath = context.imagePaths.length === 1 ? context.imagePaths[0] : undefined;
  if (aboutContext.test(message)) {
    const limit = contextLimit(message);
    return new FoveaError('CONTEXT_LENGTH_EXCEEDED', { detail, limit, param: clientParam(report.param) });
  }
  if (aboutCapability.test(message))
    return new FoveaError('MISSING_CAPABILITY', { detail, param: imagePath });
  const count = aboutImageCount.exec(message)?.[1];
  if (count !== undefined) {
    const limit = { name: 'max_images_per_prompt', value: Number(count), actual: context.imagePaths.length };
    return new FoveaError('INVALID_REQUEST', {
      message: `At most ${count} images per request.`,
      detail,
      limit,
    });
  }
  if (context.imagePaths.length > 0 && aboutImageSize.test(message)) {
    const text = 'The image is larger than the engine can take.';
    return new FoveaError('IMAGE_TOO_LARGE', { message: text, detail, param: imagePath });
  }
  if (context.imagePaths.length > 0 && aboutImage.test(message)) {
    return new FoveaError('INVALID_IMAGE', { detail, param: imagePath });
  }
  const text = toPublicText(message);
  const options = { detail, param: clientParam(report.param) };
  return new FoveaError('INVALID_REQUEST', text === undefined ? options : { ...options, message: text });
}

/** Seconds of a `Retry-After` header, a number or a date, within 1 and 600. */
export function parseRetryAfter(header: string | undefined, nowMs = Date.now()): number {
  if (header === undefined || header.trim() === '') return defaultRetryAfterS;
  const seconds = /^\s*\d+\s*$/.test(header) ? Number(header) : (Date.parse(header) - nowMs) / 1000;
  if (!Number.isFinite(seconds)) return defaultRetryAfterS;
  return Math.min(Math.max(Math.ceil(seconds), defaultRetryAfterS), maxRetryAfterS);
}

const byStatus: Readonly<Partial<Record<number, ErrorCode>>> = {
  413: 'PAYLOAD_TOO_LARGE',
  429: 'QUEUE_FULL',
  503: 'QUEUE_FULL',
};

/**
 * The catalogue error for what an engine reported. A 404 is an unknown model only if it says so: a route the
 * engine lacks is a fault of the deployment. A refused key (401, 403) is one, too: it is ours, not the client's.
 */
export function toFoveaError(report: EngineReport, context: ErrorContext): FoveaError {
  const { status, message, type, param } = report;
  if (status === 400 || status === 422) return refusal(report, context);
  const detail = detailOf(report);
  const namesModel =
    type === 'NotFoundError' || param === 'model' || /model .* (?:does not exist|not found)/i.test(message);
  if (status === 404 && namesModel) return new FoveaError('UNKNOWN_MODEL', { detail, param: 'model' });
  const code = byStatus[status] ?? 'BACKEND_ERROR';
  if (code !== 'QUEUE_FULL') return new FoveaError(code, { detail });
  return new FoveaError(code, { detail, retryAfterS: parseRetryAfter(context.retryAfter) });
}
