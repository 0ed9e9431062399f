import { FoveaError } from '@fovea/errors';

/** About 12 s of work; nobody else's text is cut meanwhile. */
const MAX_CHARACTERS = 4 * 2 ** 20;
const MAX_IDS = 2 ** 20;
/** vLLM's own bound, `--limit-mm-per-prompt`, where nobody sets it. */
const MAX_IMAGES = 999;

/** Calls to one tokenizer that may wait for those before them. */
export const MAX_WAITING_CALLS = 64;

function assertAtMost(value: number, unit: string, actual: number, param: string): void {
  if (actual <= value) return;
  throw new FoveaError('INVALID_REQUEST', {
    message: `${param} must have at most ${value} ${unit}, has ${actual}.`,
    param,
    limit: { name: `max_${unit}`, value, actual },
  });
}

/** Throws `INVALID_REQUEST` for more text than is cut into tokens at once. */
export const assertTextLength = (characters: number, param: string): void =>
  assertAtMost(MAX_CHARACTERS, 'characters', characters, param);

/** Throws `INVALID_REQUEST` for more token ids than are put together at once. */
export const assertTokenCount = (tokens: number, param: string): void =>
  assertAtMost(MAX_IDS, 'tokens', tokens, param);

/** Throws `INVALID_REQUEST` in vLLM's words for more images than are counted at once. */
export function assertImageCount(actual: number, param: string): void {
  if (actual <= MAX_IMAGES) return;
  throw new FoveaError('INVALID_REQUEST', {
    message: `At most ${MAX_IMAGES} image(s) may be provided in one prompt.`,
    param,
    limit: { name: 'max_images_per_prompt', value: MAX_IMAGES, actual },
  });
}
