import type { EnginePromptItem } from '../../index.js';
import {
  createStreamedBody,
  imageJson,
  type JsonParts,
  listJson,
  type RequestBody,
} from '../transport/request-body.js';

type Prompt = readonly EnginePromptItem[];

/** A prompt in the forms of OpenAI's route: a text, or token ids; undefined when it is neither. */
export function plainPrompt(prompt: Prompt): string | number[] | undefined {
  const texts = prompt.filter((item) => item.type === 'text');
  if (texts.length === prompt.length) return texts.map(({ text }) => text).join('');
  const ids = prompt.filter((item) => item.type === 'token-ids');
  return ids.length === prompt.length ? ids.flatMap(({ tokenIds }) => tokenIds) : undefined;
}

function itemJson(item: EnginePromptItem): JsonParts {
  switch (item.type) {
    case 'text':
      return [JSON.stringify(item)];
    case 'token-ids':
      return [JSON.stringify({ type: 'token_ids', token_ids: item.tokenIds })];
    case 'image':
      return imageJson(item.image, item.crop === undefined ? {} : { crop: item.crop });
  }
}

/** The JSON of a completion request: the prompts first, then the parameters. `prompt_items` is our own engine's. */
export function createCompletionBody(
  prompts: readonly Prompt[],
  parameters: Readonly<Record<string, unknown>>,
): RequestBody {
  const plain = prompts.map(plainPrompt).filter((prompt) => prompt !== undefined);
  const [first = [], ...others] = prompts;
  if (plain.length === prompts.length) {
    const prompt = JSON.stringify(others.length === 0 ? plain[0] : plain);
    return createStreamedBody('prompt', [prompt], parameters);
  }
  if (others.length > 0) throw new Error('of several prompts, one is neither a text nor token ids');
  return createStreamedBody('prompt_items', listJson(first.map(itemJson)), parameters);
}
