import { type ErrorCode, FoveaError } from '@fovea/errors';
import { EngineGoneError } from '../../engine-gone.js';
import type { EngineReport } from './engine-report.js';
import { toLogText } from './public-text.js';
import { type RequestFacts, toRefusal } from './refusal.js';

export interface ErrorContext extends RequestFacts {
  /** `Retry-After` of the engine's answer, as it came. */
  readonly retryAfter?: string | undefined;
}

/** As `cause`: the engine lost an image it was sure to have; with bytes under another key it would not miss it. */
export class ImageCacheMissError extends Error {
  override readonly name = 'ImageCacheMissError';
}

const defaultRetryAfterS = 1;
const maxRetryAfterS = 600;

/** vLLM's words for a dead core: `EngineDeadError` of V1, and what V0 and its multiprocess client said. */
const aboutDeadEngine =
  /EngineDead|EngineCore (?:encountered an issue|(?:has )?died)|Engine loop (?:is not running|has died)|Background loop (?:is not running|has errored|has stopped)/i;

/**
 * vLLM issues 31404, 33865 and 46354: the API server believes an image to be in the engine's cache, and it is not. No
 * fault of the request, whatever status it comes with. Versions before 0.12 lose their core over it.
 */
const aboutLostImage = /expected a cached item for mm_hash/i;

/**
 * The engine cannot do what its operator said it does: the file we wrote for it is not below its media path, it lacks
 * a chat template. Nothing a client could change.
 */
const aboutDeployment =
  /allowed[-_]local[-_]media[-_]path|local (?:media )?files?\b|no such file or directory|permission denied|must provide a chat template|trust[-_]request[-_]chat[-_]template/i;

/** The engine's words for the log, with what is known around them. */
function detailOf({ status, type, message }: EngineReport): string {
  const kind = type === undefined ? '' : ` ${toLogText(type.slice(0, 100))}`;
  return `engine answered ${status}${kind}: ${toLogText(message) || 'no message'}`;
}

function causeOf({ status, message, type = '' }: EngineReport): Error | undefined {
  if (status >= 500 && aboutDeadEngine.test(`${type} ${message}`))
    return new EngineGoneError('it says so itself');
  if (aboutLostImage.test(message)) return new ImageCacheMissError('the engine lost an image');
  return undefined;
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
  const detail = detailOf(report);
  const cause = causeOf(report);
  if (cause !== undefined) return new FoveaError('BACKEND_ERROR', { detail, cause });
  if (status === 400 || status === 422) {
    if (aboutDeployment.test(message)) return new FoveaError('BACKEND_ERROR', { detail });
    const { code, ...told } = toRefusal(report, context);
    return new FoveaError(code, { ...told, detail });
  }
  const namesModel =
    type === 'NotFoundError' || param === 'model' || /model .* (?:does not exist|not found)/i.test(message);
  if (status === 404 && namesModel) return new FoveaError('UNKNOWN_MODEL', { detail, param: 'model' });
  const code = byStatus[status] ?? 'BACKEND_ERROR';
  if (code !== 'QUEUE_FULL') return new FoveaError(code, { detail });
  return new FoveaError(code, { detail, retryAfterS: parseRetryAfter(context.retryAfter) });
}

/** What an engine reports when part of the answer has been given away: its own failure, whatever the status. */
export function toMidAnswerError(report: EngineReport): FoveaError {
  const detail = `in mid-answer, ${detailOf(report)}`;
  return new FoveaError('BACKEND_ERROR', { detail, cause: causeOf(report) });
}
