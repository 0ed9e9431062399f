import { randomInt } from 'node:crypto';
import { FoveaError } from '@fovea/errors';
import { Tokenizer } from '@huggingface/tokenizers';
import type { TokenizerFile } from '../../engine/text/token-text.js';
import type { TemplateVariables } from '../chat-model.js';
import { ChatTemplate, type TemplateMessage } from './chat-template.js';
import { type EncodedPrompt, RawPrompt, type RawPromptRequest } from './raw-prompt.js';
import { SpecialText } from './special-text.js';

export interface ChatPromptRequest {
  readonly messages: readonly TemplateMessage[];
  /** False: the prompt ends where the last message ends. */
  readonly addGenerationPrompt: boolean;
  /** The last message is left open: the prompt ends with its text, and the answer goes on behind it. */
  readonly continueFinalMessage?: boolean;
  /** The prompt gets what the tokenizer has around a text, on top of what the template writes. */
  readonly addSpecialTokens?: boolean;
  /** Seen by the template beside its own. */
  readonly templateVariables?: TemplateVariables;
}

export interface ChatPromptSettings {
  readonly tokenizer: TokenizerFile;
  readonly tokenizerConfig: Readonly<Record<string, unknown>>;
  readonly chatTemplate: string;
  /** What stands for an image in the template's text; absent: the model has no eyes. */
  readonly imageToken?: string;
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

const cannotContinue = (message: string): FoveaError =>
  new FoveaError('INVALID_REQUEST', { message, param: 'continue_final_message' });

/** NFC changes no text between two special tokens by what stands behind them; other normalizers may. */
function hasKnownNormalizer(normalizer: unknown): boolean {
  if (normalizer === null || normalizer === undefined) return true;
  return typeof normalizer === 'object' && 'type' in normalizer && normalizer.type === 'NFC';
}

/** Renders messages by a model's chat template and gives token ids. What users type never becomes a special token. */
export class ChatPrompt {
  private readonly template: ChatTemplate;
  private readonly special: SpecialText;
  private readonly plain: Tokenizer;
  private raw: RawPrompt | undefined;
  /** Private-use characters around a number nobody can guess. */
  private readonly endMark = `\uE000end-${randomInt(2 ** 47)}\uE001`;

  /** Throws an `Error` when the tokenizer or the template is not supported. */
  constructor(private readonly settings: ChatPromptSettings) {
    const { tokenizer, tokenizerConfig, chatTemplate, imageToken } = settings;
    if (!hasKnownNormalizer(tokenizer.normalizer)) {
      throw new Error('a tokenizer with another normalizer than NFC is not supported');
    }
    this.special = new SpecialText(tokenizer.added_tokens.filter((token) => token.special === true));
    this.template = new ChatTemplate(chatTemplate, specialNames(tokenizerConfig), imageToken);
    // This one never sees a special token: the prompt is cut at them before.
    const others = tokenizer.added_tokens.filter((token) => token.special !== true);
    this.plain = new Tokenizer({ ...tokenizer, added_tokens: others }, tokenizerConfig);
  }

  encode(request: ChatPromptRequest): Int32Array<ArrayBuffer> {
    return this.toIds(this.render(request), request.addSpecialTokens);
  }

  /** A prompt without template. Throws `INVALID_REQUEST` when there is nothing to begin with. */
  encodeRaw(request: RawPromptRequest): EncodedPrompt {
    return this.rawPrompt().encode(request);
  }

  /** The template's text, in which words of users that look like special tokens are hidden. Throws `INVALID_REQUEST`. */
  render(request: ChatPromptRequest): string {
    const { messages, addGenerationPrompt, continueFinalMessage } = request;
    const variables = this.guardVariables(request.templateVariables ?? {});
    const guarded = messages.map((message) => ({
      ...message,
      ...(message.name !== undefined && { name: this.special.guard(message.name) }),
      content: message.content.map((part) =>
        part.type === 'text' ? { ...part, text: this.special.guard(part.text) } : part,
      ),
    }));
    if (continueFinalMessage !== true) return this.template.render(guarded, addGenerationPrompt, variables);
    const rendered = this.template.render(this.markEnd(guarded), false, variables);
    const end = rendered.lastIndexOf(this.endMark);
    if (end === -1) throw cannotContinue('The chat template does not show the last message.');
    return rendered.slice(0, end);
  }

  private guardVariables(variables: TemplateVariables): TemplateVariables {
    const guarded = Object.entries(variables).map(
      ([name, value]) => [name, typeof value === 'string' ? this.special.guard(value) : value] as const,
    );
    return Object.fromEntries(guarded);
  }

  /** Puts a mark behind the text of the last message, where the rendered prompt is then cut. */
  private markEnd(messages: readonly TemplateMessage[]): TemplateMessage[] {
    const last = messages.at(-1);
    const part = last?.content.at(-1);
    if (last === undefined || part?.type !== 'text') {
      throw cannotContinue('The last message does not end with text, so it cannot be continued.');
    }
    const content = [...last.content.slice(0, -1), { ...part, text: part.text + this.endMark }];
    return [...messages.slice(0, -1), { ...last, content }];
  }

  /** Has a second tokenizer, which plain chats do not pay for. */
  private rawPrompt(): RawPrompt {
    const { tokenizer, tokenizerConfig, imageToken } = this.settings;
    this.raw ??= new RawPrompt({
      tokenizer,
      tokenizerConfig,
      imageToken,
      bosToken: specialNames(tokenizerConfig).bos_token,
      toMarkedIds: (text) => this.toIds(text),
    });
    return this.raw;
  }

  /**
   * Token ids of a rendered text.
   * @param addSpecialTokens with what the tokenizer has around a text
   */
  toIds(rendered: string, addSpecialTokens = false): Int32Array<ArrayBuffer> {
    const ids = this.special
      .split(rendered)
      .flatMap((piece) =>
        'special' in piece
          ? [piece.special]
          : this.plain.encode(piece.text, { add_special_tokens: false }).ids,
      );
    if (!addSpecialTokens) return Int32Array.from(ids);
    const { prefix, suffix } = this.rawPrompt().framing;
    return Int32Array.from([...prefix, ...ids, ...suffix]);
  }
}
