import { FoveaError } from '@fovea/errors';
import { Template } from '@huggingface/jinja';
import type { TemplateVariables } from '../chat-model.js';

export type TemplatePart = { readonly type: 'text'; readonly text: string } | { readonly type: 'image' };

export interface TemplateMessage {
  readonly role: string;
  readonly name?: string;
  readonly content: readonly TemplatePart[];
}

/** Walks a parsed template and looks for a loop over `….content` or `…['content']`. */
function loopsOverContent(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(loopsOverContent);
  if (typeof node !== 'object' || node === null) return false;
  if ('type' in node && node.type === 'For' && 'iterable' in node) {
    const property = (node.iterable as { property?: { value?: unknown } }).property;
    if (property?.value === 'content') return true;
  }
  return Object.values(node).some(loopsOverContent);
}

/** A model's chat template. Renders plain data only; what a template refuses is the client's fault. */
export class ChatTemplate {
  private readonly template: Template;
  /** Does the template take parts? Others get one string per message, images first, as vLLM does it. */
  private readonly takesParts: boolean;

  /**
   * Throws an `Error` when the template cannot be parsed.
   * @param imageToken what stands for an image where the template takes strings
   */
  constructor(
    source: string,
    private readonly variables: Readonly<Record<string, string>>,
    private readonly imageToken = '',
  ) {
    try {
      this.template = new Template(source);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`the chat template cannot be parsed: ${reason}`, { cause });
    }
    this.takesParts = loopsOverContent(this.template.parsed.body);
  }

  /**
   * Throws `INVALID_REQUEST` with the template's own words.
   * @param variables of the request; what the tokenizer and the messages say wins over them
   */
  render(
    messages: readonly TemplateMessage[],
    addGenerationPrompt: boolean,
    variables: TemplateVariables = {},
  ): string {
    try {
      return this.template.render({
        ...variables,
        ...this.variables,
        messages: messages.map(({ content, ...message }) => ({
          ...message,
          content: this.takesParts ? content : asString(content, this.imageToken),
        })),
        add_generation_prompt: addGenerationPrompt,
      });
    } catch (error) {
      throw new FoveaError('INVALID_REQUEST', {
        message: 'The chat template of this model does not take these messages.',
        param: 'messages',
        detail: error instanceof Error ? error.message : String(error),
        cause: error,
      });
    }
  }
}

function asString(content: readonly TemplatePart[], imageToken: string): string {
  const texts = content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  const images = content.filter((part) => part.type === 'image').map(() => imageToken);
  return [...images, ...texts].join('\n');
}
