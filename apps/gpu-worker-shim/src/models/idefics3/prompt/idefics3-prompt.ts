import { FoveaError } from '@fovea/errors';
import type { Idefics3Grid } from '@fovea/image-preprocessing';
import { ChatPrompt, type ChatPromptRequest, type ChatPromptSettings } from '../../language/chat-prompt.js';
import type { EncodedPrompt, RawPromptRequest } from '../../language/raw-prompt.js';
import { IMAGE_TOKEN, idefics3ImageText } from './image-text.js';

export interface PromptRequest extends ChatPromptRequest {
  /** One for each image part, in their order. */
  readonly grids: readonly Pick<Idefics3Grid, 'rows' | 'columns'>[];
}

export interface PromptSettings extends ChatPromptSettings {
  readonly imageTokenId: number;
  readonly tokensPerTile: number;
}

/** Renders messages by the model's template, puts the image tokens in and gives token ids. */
export class Idefics3Prompt {
  private readonly chat: ChatPrompt;
  private readonly tokensPerTile: number;

  /** Throws an `Error` when the tokenizer or the template is not supported. */
  constructor({ imageTokenId, tokensPerTile, ...settings }: PromptSettings) {
    const { added_tokens: added } = settings.tokenizer;
    const image = added.find((token) => token.special === true && token.content === IMAGE_TOKEN);
    if (image?.id !== imageTokenId) {
      throw new Error(`"${IMAGE_TOKEN}" is token ${image?.id ?? 'none'}, not image_token_id ${imageTokenId}`);
    }
    this.chat = new ChatPrompt({ ...settings, imageToken: IMAGE_TOKEN });
    this.tokensPerTile = tokensPerTile;
  }

  /** Throws `INVALID_REQUEST` when the template refuses, or leaves images out. */
  encode({ grids, ...request }: PromptRequest): Int32Array<ArrayBuffer> {
    const rendered = this.chat.render(request).split(IMAGE_TOKEN);
    if (rendered.length !== grids.length + 1) {
      throw new FoveaError('INVALID_REQUEST', {
        message: `The chat template takes ${rendered.length - 1} of the ${grids.length} images.`,
        param: 'messages',
      });
    }
    const text = rendered.reduce(
      (before, after, at) => before + idefics3ImageText(grids[at - 1]!, this.tokensPerTile) + after,
    );
    return this.chat.toIds(text, request.addSpecialTokens);
  }

  /** See `ChatPrompt.encodeRaw`. */
  encodeRaw(request: RawPromptRequest): EncodedPrompt {
    return this.chat.encodeRaw(request);
  }
}
