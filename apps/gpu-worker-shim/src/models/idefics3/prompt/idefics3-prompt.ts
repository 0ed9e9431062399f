import { FoveaError } from '@fovea/errors';
import type { Idefics3Grid } from '@fovea/image-preprocessing';
import { Tokenizer } from '@huggingface/tokenizers';
import type { TokenizerFile } from '../../../engine/text/token-text.js';
import { ChatTemplate, type TemplateMessage } from './chat-template.js';
import { IMAGE_TOKEN, idefics3ImageText } from './image-text.js';
import { SpecialText } from './special-text.js';

export interface PromptRequest {
  readonly messages: readonly TemplateMessage[];
  /** One for each image part, in their order. */
  readonly grids: readonly Pick<Idefics3Grid, 'rows' | 'columns'>[];
  readonly addGenerationPrompt: boolean;
}

export interface PromptSettings {
  readonly tokenizer: TokenizerFile;
  readonly tokenizerConfig: Readonly<Record<string, unknown>>;
  readonly chatTemplate: string;
  readonly imageTokenId: number;
  readonly tokensPerTile: number;
}

/** `"bos_token": "x"` or `{ "content": "x" }`, under the names templates use. */
function specialNames(config: Readonly<Record<string, unknown>>): Record<string, string> {
  const names: Record<string, string> = {};
  for (const name of ['bos_token', 'eos_token', 'pad_token', 'unk_token']) {
    const value = config[name];
    if (typeof value === 'string') names[name] = value;
    else if (typeof value === 'object' && value !== null && 'content' in value)
      names[name] = `${value.content}`;
  }
  return names;
}

/** Renders messages by the model's template, puts the image tokens in and gives token ids. */
export class Idefics3Prompt {
  private readonly template: ChatTemplate;
  private readonly special: SpecialText;
  private readonly plain: Tokenizer;

  /** Throws an `Error` when the tokenizer or the template is not supported. */
  constructor(private readonly settings: PromptSettings) {
    const { tokenizer, tokenizerConfig } = settings;
    if (tokenizer.normalizer !== null) throw new Error('a tokenizer with a normalizer is not supported');
    const special = tokenizer.added_tokens.filter((token) => token.special === true);
    const image = special.find((token) => token.content === IMAGE_TOKEN);
    if (image?.id !== settings.imageTokenId) {
      throw new Error(
        `"${IMAGE_TOKEN}" is token ${image?.id ?? 'none'}, not image_token_id ${settings.imageTokenId}`,
      );
    }
    this.special = new SpecialText(special);
    this.template = new ChatTemplate(settings.chatTemplate, specialNames(tokenizerConfig));
    // This one never sees a special token: the prompt is cut at them before.
    const others = tokenizer.added_tokens.filter((token) => token.special !== true);
    this.plain = new Tokenizer({ ...tokenizer, added_tokens: others }, tokenizerConfig);
  }

  /** Throws `INVALID_REQUEST` when the template refuses, or leaves images out. */
  encode({ messages, grids, addGenerationPrompt }: PromptRequest): Int32Array<ArrayBuffer> {
    const guarded = messages.map((message) => ({
      ...message,
      ...(message.name !== undefined && { name: this.special.guard(message.name) }),
      content: message.content.map((part) =>
        part.type === 'text' ? { ...part, text: this.special.guard(part.text) } : part,
      ),
    }));
    const rendered = this.template.render(guarded, addGenerationPrompt).split(IMAGE_TOKEN);
    if (rendered.length !== grids.length + 1) {
      throw new FoveaError('INVALID_REQUEST', {
        message: `The chat template takes ${rendered.length - 1} of the ${grids.length} images.`,
        param: 'messages',
      });
    }
    const text = rendered.reduce(
      (before, after, at) => before + idefics3ImageText(grids[at - 1]!, this.settings.tokensPerTile) + after,
    );
    const ids = this.special
      .split(text)
      .flatMap((piece) =>
        'special' in piece
          ? [piece.special]
          : this.plain.encode(piece.text, { add_special_tokens: false }).ids,
      );
    return Int32Array.from(ids);
  }
}
