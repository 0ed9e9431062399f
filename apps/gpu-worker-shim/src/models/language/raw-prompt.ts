import { FoveaError } from '@fovea/errors';
import { Tokenizer } from '@huggingface/tokenizers';
import { nameLogprob } from '../../engine/text/name-logprob.js';
import {
  IncrementalText,
  readTokenBytes,
  type TokenBytes,
  type TokenizerFile,
} from '../../engine/text/token-text.js';
import { type PromptEcho, promptRoles } from '../completion-model.js';
import { type Framing, framingOf } from '../tokenizer/framing.js';

/** One item of a raw prompt; `marked` is what a family writes for an image: its special tokens are meant. */
export type RawItem =
  | { readonly text: string }
  | { readonly marked: string }
  | { readonly ids: readonly number[] };

export interface RawPromptRequest {
  readonly items: readonly RawItem[];
  readonly addSpecialTokens: boolean;
  /** Absent: nobody wants to see the prompt again. */
  readonly echo?: { readonly skipSpecialTokens: boolean };
}

/** Token ids of a prompt. */
export interface EncodedPrompt {
  readonly ids: Int32Array<ArrayBuffer>;
  readonly echo?: PromptEcho;
}

export interface RawPromptSettings {
  readonly tokenizer: TokenizerFile;
  readonly tokenizerConfig: Readonly<Record<string, unknown>>;
  /** The begin-of-text token, which an empty prompt becomes. */
  readonly bosToken: string | undefined;
  /** Stands for a piece of an image; a text cannot hold it. */
  readonly imageToken: string | undefined;
  /** Ids of a text whose special tokens are meant. */
  toMarkedIds(text: string): Iterable<number>;
}

type Role = (typeof promptRoles)[keyof typeof promptRoles];

/** Collects the tokens of a prompt and what they are to the client. */
class PromptWriter {
  private readonly ids: number[] = [];
  private readonly roles: Role[] = [];
  text = '';

  get length(): number {
    return this.ids.length;
  }

  add(ids: Iterable<number>, roleOf: (id: number) => Role): void {
    for (const id of ids) {
      this.ids.push(id);
      this.roles.push(roleOf(id));
    }
  }

  toPrompt(bytes: TokenBytes, wantsEcho: boolean): EncodedPrompt {
    const ids = Int32Array.from(this.ids);
    if (!wantsEcho) return { ids };
    const first = nameLogprob({ id: ids[0]!, logprob: 0 }, bytes);
    return { ids, echo: { text: this.text, roles: Uint8Array.from(this.roles), first } };
  }
}

const asText = () => promptRoles.text;
const asHidden = () => promptRoles.hidden;
const asImage = () => promptRoles.image;

/** Neighbouring texts are one text: a token may begin in one and end in the next. */
function joinTexts(items: readonly RawItem[]): RawItem[] {
  const joined: RawItem[] = [];
  for (const item of items) {
    const last = joined.at(-1);
    if ('text' in item && last !== undefined && 'text' in last) {
      joined[joined.length - 1] = { text: last.text + item.text };
    } else joined.push(item);
  }
  return joined;
}

/** Writes prompts without a template, as vLLM's completions do: special tokens in a text are special. */
export class RawPrompt {
  private readonly tokenizer: Tokenizer;
  /** What the tokenizer puts around a text. */
  readonly framing: Framing;
  private readonly bytes: TokenBytes;
  private readonly bosId: number | undefined;

  /** Throws an `Error` when the tokenizer is not supported. */
  constructor(private readonly settings: RawPromptSettings) {
    const { tokenizer, tokenizerConfig, bosToken, imageToken } = settings;
    const { added_tokens: added } = tokenizer;
    // Without it in the list of added tokens a typed one is spelled in letters.
    const typed = added.filter(({ content }) => content !== imageToken);
    this.tokenizer = new Tokenizer({ ...tokenizer, added_tokens: typed }, tokenizerConfig);
    this.framing = framingOf(this.tokenizer);
    this.bytes = readTokenBytes(tokenizer);
    this.bosId = added.find(({ content }) => content === bosToken)?.id;
  }

  /** Throws `INVALID_REQUEST` when nothing is left to begin with. */
  encode({ items, addSpecialTokens, echo }: RawPromptRequest): EncodedPrompt {
    const writer = new PromptWriter();
    const [first] = items;
    const isFramed = addSpecialTokens && !(first !== undefined && 'ids' in first);
    if (isFramed) writer.add(this.framing.prefix, asHidden);
    for (const item of joinTexts(items)) this.write(item, writer, echo?.skipSpecialTokens ?? true);
    if (isFramed) writer.add(this.framing.suffix, asHidden);
    if (writer.length === 0) writer.add([this.beginning()], asHidden);
    return writer.toPrompt(this.bytes, echo !== undefined);
  }

  private write(item: RawItem, writer: PromptWriter, skipSpecial: boolean): void {
    if ('text' in item) {
      writer.add(this.tokenizer.encode(item.text, { add_special_tokens: false }).ids, asText);
      writer.text += item.text;
    } else if ('marked' in item) {
      writer.add(this.settings.toMarkedIds(item.marked), asImage);
    } else {
      const { bytes } = this;
      const text = new IncrementalText(bytes, skipSpecial);
      const roleOf = (id: number) =>
        skipSpecial && bytes.isSpecial(id) ? promptRoles.hidden : promptRoles.text;
      writer.add(item.ids, roleOf);
      writer.text += item.ids.map((id) => text.push(id)).join('') + text.flush();
    }
  }

  private beginning(): number {
    if (this.bosId !== undefined) return this.bosId;
    throw new FoveaError('INVALID_REQUEST', {
      message: 'The prompt is empty, and this model has no begin-of-text token.',
      param: 'prompt',
    });
  }
}
