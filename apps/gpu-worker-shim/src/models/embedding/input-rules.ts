import { FoveaError } from '@fovea/errors';
import type { EmbeddingRequest, Truncation } from '../embedding-model.js';

export interface InputLimits {
  readonly id: string;
  readonly maxModelLen: number;
  readonly vocabularySize: number;
  /** Floats of a whole vector. */
  readonly dimensions: number;
  /** Lengths that vectors may be cut to: any, some, or none. */
  readonly matryoshka: 'any' | readonly number[];
  /** Tokens the model puts around a text. */
  readonly specialTokens: number;
  /** Characters of the longest token. */
  readonly longestToken: number;
}

/** Of a text that is to be cut: all of it becomes tokens before. */
const MAX_CUT_CHARACTERS = 1_000_000;

const pathOf = (index: number, count: number): string => (count === 1 ? 'input' : `input[${index}]`);

function invalid(message: string, param: string): FoveaError {
  return new FoveaError('INVALID_REQUEST', { message, param });
}

/** What a model takes and what not, in vLLM's words where it has some. */
export class InputRules {
  constructor(private readonly limits: InputLimits) {}

  /** Everything that can be told before texts are tokens. Throws `INVALID_REQUEST` or `CONTEXT_LENGTH_EXCEEDED`. */
  check({ inputs, dimensions, truncation, addSpecialTokens }: EmbeddingRequest): void {
    if (dimensions !== undefined) this.checkDimensions(dimensions);
    if (truncation !== undefined) this.checkTruncation(truncation, addSpecialTokens);
    for (const [at, input] of inputs.entries()) {
      const path = pathOf(at, inputs.length);
      if (typeof input === 'string') this.checkText(input, truncation, path);
      else this.checkIds(input, path);
    }
  }

  /** Throws `CONTEXT_LENGTH_EXCEEDED` for the first input that is too long. */
  checkTokens(inputs: readonly Int32Array[], truncation: Truncation | undefined): void {
    const { maxModelLen } = this.limits;
    for (const [at, { length }] of inputs.entries()) {
      const path = pathOf(at, inputs.length);
      if (length === 0) throw invalid(`${path} has no tokens.`, path);
      if (truncation === undefined && length > maxModelLen) {
        throw this.tooLong(`you requested ${length} tokens in the input`, length);
      }
    }
  }

  private checkDimensions(dimensions: number): void {
    const { id, matryoshka, dimensions: whole } = this.limits;
    if (matryoshka !== 'any' && matryoshka.length === 0) {
      const message =
        `Model "${id}" does not support matryoshka representation, changing output dimensions will lead to ` +
        'poor results.';
      throw invalid(message, 'dimensions');
    }
    if (matryoshka !== 'any' && !matryoshka.includes(dimensions)) {
      const message =
        `Model "${id}" only supports [${matryoshka.join(', ')}] matryoshka dimensions, use other output ` +
        'dimensions will lead to poor results.';
      throw invalid(message, 'dimensions');
    }
    if (dimensions > whole) {
      throw invalid(`dimensions must be at most ${whole}, got ${dimensions} (matryoshka).`, 'dimensions');
    }
  }

  private checkTruncation({ maxTokens }: Truncation, addSpecialTokens: boolean): void {
    const { maxModelLen, specialTokens } = this.limits;
    const param = 'truncate_prompt_tokens';
    if (maxTokens > maxModelLen) {
      throw invalid(`${param}=${maxTokens} cannot be greater than max_model_len = ${maxModelLen}.`, param);
    }
    const least = 1 + (addSpecialTokens ? specialTokens : 0);
    if (maxTokens < least) throw invalid(`${param} must be at least ${least}, got ${maxTokens}.`, param);
  }

  private checkText(text: string, truncation: Truncation | undefined, path: string): void {
    const { maxModelLen, longestToken } = this.limits;
    if (truncation === undefined && text.length > maxModelLen * longestToken) {
      throw this.tooLong(`the input has ${text.length} characters (at most ${maxModelLen * longestToken})`);
    }
    if (text.length > MAX_CUT_CHARACTERS) {
      throw new FoveaError('INVALID_REQUEST', {
        message: `${path} has ${text.length} characters; at most ${MAX_CUT_CHARACTERS} are cut.`,
        param: path,
        limit: { name: 'max_characters', value: MAX_CUT_CHARACTERS, actual: text.length },
      });
    }
  }

  private checkIds(ids: readonly number[], path: string): void {
    const { vocabularySize } = this.limits;
    const wrong = ids.find((id) => id >= vocabularySize);
    if (wrong !== undefined) {
      throw invalid(`${path}: Token id ${wrong} is out of vocabulary (${vocabularySize} tokens).`, path);
    }
  }

  private tooLong(what: string, actual?: number): FoveaError {
    const { maxModelLen } = this.limits;
    return new FoveaError('CONTEXT_LENGTH_EXCEEDED', {
      message:
        `This model's maximum context length is ${maxModelLen} tokens. However, ${what} for embedding generation. ` +
        'Please reduce the length of the input.',
      param: 'input_tokens',
      limit: { name: 'max_model_len', value: maxModelLen, ...(actual !== undefined && { actual }) },
    });
  }
}
