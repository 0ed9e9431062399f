import { breakControlTokens } from '@fovea/image-preprocessing';
import type { Tool, ToolCall } from '@fovea/schemas/jobs';
import type { ImageFamily } from '@fovea/schemas/model-package';

/**
 * The texts of one request on their way into a prompt. Vision control tokens that a client typed are broken: an engine
 * would take them for places of pictures. Counts how many there were.
 */
export class PromptText {
  readonly #family: ImageFamily | null | undefined;
  #broken = 0;

  /** `null` breaks the tokens of every family, `undefined` none: the model sees no pictures. */
  constructor(family: ImageFamily | null | undefined) {
    this.#family = family;
  }

  get broken(): number {
    return this.#broken;
  }

  text(text: string): string {
    if (this.#family === undefined) return text;
    const result = breakControlTokens(text, this.#family);
    this.#broken += result.broken;
    return result.text;
  }

  toolCall(call: ToolCall): ToolCall {
    return { id: this.text(call.id), name: call.name, arguments: this.text(call.arguments) };
  }

  /** Templates print tools as JSON, keys included; a token within a JSON string is broken there as anywhere. */
  tools(tools: readonly Tool[]): readonly Tool[] {
    if (this.#family === undefined) return tools;
    const before = this.#broken;
    const text = this.text(JSON.stringify(tools));
    if (this.#broken === before) return tools;
    const parsed: readonly Tool[] = JSON.parse(text);
    return parsed;
  }
}
