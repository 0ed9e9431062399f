import type { ErrorCode, FoveaErrorOptions } from '@fovea/errors';
import type { EngineReport } from './engine-report.js';
import { toPublicText } from './public-text.js';

/** What is known of a request that an engine refused. */
export interface RequestFacts {
  /** Where the client put its images. A single one is named when the engine dislikes "the image". */
  readonly imagePaths: readonly string[];
  /** Where the client put its recording. */
  readonly audioPath?: string | undefined;
  /** The field that holds the prompt; `messages` when left out. */
  readonly promptField?: string | undefined;
}

/** What a refusal means for the client. */
export interface Refusal extends Pick<FoveaErrorOptions, 'message' | 'param' | 'limit'> {
  readonly code: ErrorCode;
}

const aboutContext =
  /maximum context length|maximum model length|max_model_len|context (?:length|window)|prompt is too long/i;
const aboutCapability =
  /not a multimodal model|does not support (?:image|multimodal|vision|(?:the )?(?:chat )?(?:completions?|embeddings?|score|rerank)(?: api)?)|unsupported chat content part|--enable-auto-tool-choice|--tool-call-parser/i;
const aboutDimensions = /matryoshka/i;
const aboutVectorLength = /^dimensions must\b/i;
const aboutAudio = /\baudio\b|\bfile size\b|unsupported (?:file|format)|error opening|could not decode/i;
const aboutLanguage = /unsupported language/i;
const aboutImageCount = /at most (\d+) image/i;
const aboutImageSize = /limit-mm-per-prompt|encoder (?:cache|budget)|decompression bomb|max_image_pixels/i;
const aboutImage = /\bimages?\b|image_url|\bPIL\b|multi-?modal|\bbase64\b|data url/i;

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

/** A request field the engine names, if it is one that clients know. vLLM 0.32 puts `body.` in front of some. */
function clientParam(named: string | undefined, facts: RequestFacts): string | undefined {
  const param = named?.replace(/^body\./, '');
  if (param === undefined || !/^[a-z][\w.[\]]{0,100}$/i.test(param)) return undefined;
  if (param === 'type' || param === 'model') return undefined;
  // Items of a prompt may have been joined on the way: their numbers are not the client's.
  return /^(?:input_|prompt_items\b)/.test(param) ? (facts.promptField ?? 'messages') : param;
}

function imageRefusal(message: string, { imagePaths }: RequestFacts): Refusal | undefined {
  const param = imagePaths.length === 1 ? imagePaths[0] : undefined;
  const count = aboutImageCount.exec(message)?.[1];
  if (count !== undefined) {
    const limit = { name: 'max_images_per_prompt', value: Number(count), actual: imagePaths.length };
    return { code: 'INVALID_REQUEST', message: `At most ${count} images per request.`, limit };
  }
  if (imagePaths.length === 0) return undefined;
  if (aboutImageSize.test(message)) {
    return { code: 'IMAGE_TOO_LARGE', message: 'The image is larger than the engine can take.', param };
  }
  return aboutImage.test(message) ? { code: 'INVALID_IMAGE', param } : undefined;
}

/** A speech engine dislikes the recording, unless it speaks of the language or names a field. */
function audioRefusal({ message }: EngineReport, path: string, named: string | undefined): Refusal {
  const text = toPublicText(message);
  const words = text === undefined ? {} : { message: text };
  if (aboutLanguage.test(message)) return { code: 'INVALID_REQUEST', param: 'language', ...words };
  if (aboutAudio.test(message)) return { code: 'INVALID_AUDIO', param: path, ...words };
  return { code: 'INVALID_REQUEST', param: named, ...words };
}

/** Why the engine refused a request that reached it in one piece (400 or 422). */
export function toRefusal(report: EngineReport, facts: RequestFacts): Refusal {
  const { message } = report;
  const param = clientParam(report.param, facts);
  if (aboutContext.test(message)) {
    return { code: 'CONTEXT_LENGTH_EXCEEDED', limit: contextLimit(message), param };
  }
  if (aboutCapability.test(message)) {
    const single = facts.imagePaths.length === 1 ? facts.imagePaths[0] : undefined;
    return { code: 'MISSING_CAPABILITY', param: /tool/i.test(message) ? 'tools' : single };
  }
  if (aboutDimensions.test(message)) {
    const text = 'The vectors of this model cannot be cut to other dimensions.';
    return { code: 'INVALID_REQUEST', message: text, param: 'dimensions' };
  }
  if (facts.audioPath !== undefined) return audioRefusal(report, facts.audioPath, param);
  const aboutImages = imageRefusal(message, facts);
  if (aboutImages !== undefined) return aboutImages;
  const text = toPublicText(message);
  const field = param ?? (aboutVectorLength.test(message) ? 'dimensions' : undefined);
  return { code: 'INVALID_REQUEST', param: field, ...(text === undefined ? {} : { message: text }) };
}
