import { Tokenizer } from '@huggingface/tokenizers';
import {
  IncrementalText,
  readTokenBytes,
  type TokenBytes,
  type TokenizerFile,
} from '../../../engine/text/token-text.js';

/** Text to tokens and back. */
export class WhisperText {
  private readonly bytes: TokenBytes;
  private readonly plain: Tokenizer;
  private readonly noSpeechToken: number | undefined;

  /** Throws an `Error` when the tokenizer is not supported. */
  constructor(file: TokenizerFile, config: object) {
    this.bytes = readTokenBytes(file);
    // It knows no special token, so that none can be typed.
    this.plain = new Tokenizer({ ...file, added_tokens: [], post_processor: null }, config);
    const names = ['<|nospeech|>', '<|nocaptions|>'];
    this.noSpeechToken = file.added_tokens.find(({ content }) => names.includes(content))?.id;
  }

  get noSpeech(): number | undefined {
    return this.noSpeechToken;
  }

  encode(text: string): number[] {
    return this.plain.encode(text, { add_special_tokens: false }).ids;
  }

  /** Turns tokens into text as they come. */
  incremental(): IncrementalText {
    return new IncrementalText(this.bytes, true);
  }

  decode(ids: readonly number[]): string {
    const text = this.incremental();
    return ids.map((id) => text.push(id)).join('') + text.flush();
  }
}
