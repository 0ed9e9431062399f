import { parentPort, workerData } from 'node:worker_threads';
import { FoveaError } from '@fovea/errors';
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { serveCalls } from '../../engine/threads/serve-calls.js';
import { readModelFile } from '../model-folder.js';
import type { TokenizerAnswer, TokenizerCall } from './tokenizer-protocol.js';

if (parentPort === null) throw new Error('This file is started as a worker thread.');
const { folder }: { folder: string } = workerData;

const json = z.record(z.string(), z.unknown());
const configSchema = z.looseObject({ image_token_id: z.number().int().optional() });
const addedSchema = z.looseObject({ added_tokens: z.array(z.looseObject({ id: z.number() })).optional() });

interface Tokenizers {
  /** As `tokenizer.json` says. */
  readonly whole: Tokenizer;
  /** For texts: without the token for a piece of an image, which is letters when it is typed, as in raw prompts. */
  readonly ofText: Tokenizer;
}

function answer({ whole: tokenizer, ofText }: Tokenizers, call: TokenizerCall): TokenizerAnswer {
  if ('text' in call) {
    const { ids, tokens } = ofText.encode(call.text, { add_special_tokens: call.addSpecialTokens });
    return { ids: Int32Array.from(ids), text: '', ...(call.wantsTokens && { tokens }) };
  }
  if ('spell' in call) {
    const tokens = Array.from(call.spell, (id) => tokenizer.id_to_token(id) ?? '');
    return { ids: new Int32Array(), text: '', tokens };
  }
  const unknown = call.ids.find((id) => tokenizer.id_to_token(id) === undefined);
  if (unknown !== undefined) {
    throw new FoveaError('INVALID_REQUEST', {
      message: `token_id ${unknown} in tokens is out of the vocabulary.`,
      param: 'tokens',
    });
  }
  // The decoder refuses an empty list.
  const text =
    call.ids.length === 0
      ? ''
      : tokenizer.decode([...call.ids], {
          skip_special_tokens: call.skipSpecialTokens,
          clean_up_tokenization_spaces: false,
        });
  return { ids: new Int32Array(), text };
}

await serveCalls<TokenizerCall, TokenizerAnswer, undefined>(parentPort, async () => {
  const file = await readModelFile(folder, 'tokenizer.json', json);
  const config = await readModelFile(folder, 'tokenizer_config.json', json);
  const { image_token_id: imageTokenId } = await readModelFile(folder, 'config.json', configSchema);
  const whole = new Tokenizer(file, config);
  const { added_tokens: added = [] } = addedSchema.parse(file);
  const typed = added.filter(({ id }) => id !== imageTokenId);
  const ofText =
    typed.length === added.length ? whole : new Tokenizer({ ...file, added_tokens: typed }, config);
  const tokenizers = { whole, ofText };
  return {
    facts: undefined,
    answer: async (call) => answer(tokenizers, call),
    transfer: ({ ids }) => [ids.buffer],
    close: async () => undefined,
  };
});
