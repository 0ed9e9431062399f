import type { GenerationEvent } from '@fovea/schemas/events';
import type { StreamEntry } from '@fovea/token-stream';

const OPEN = '<think>';
const CLOSE = '</think>';

/** Puts thinking into the content, within `<think>`, as PhariaInference's models do; for packages that say so. */
export async function* withInlineReasoning(entries: AsyncIterable<StreamEntry>): AsyncGenerator<StreamEntry> {
  const inline = new InlineReasoning();
  for await (const entry of entries) {
    yield { ...entry, events: entry.events.flatMap((event) => [...inline.translate(event)]) };
  }
}

/** Takes the events of one answer in order and says what stands in their place. */
class InlineReasoning {
  readonly #thinking = new Set<number>();

  *translate(event: GenerationEvent): Generator<GenerationEvent> {
    switch (event.type) {
      case 'reasoning-delta': {
        const isFirst = !this.#thinking.has(event.index);
        this.#thinking.add(event.index);
        yield { ...event, type: 'text-delta', text: isFirst ? OPEN + event.text : event.text };
        break;
      }
      case 'text-delta':
        if (event.text === '') yield event;
        else yield { ...event, text: this.#close(event.index) + event.text };
        break;
      case 'tool-call-delta':
      case 'choice-end': {
        const text = this.#close(event.index);
        if (text !== '') yield { type: 'text-delta', index: event.index, text };
        yield event;
        break;
      }
      default:
        yield event;
    }
  }

  #close(index: number): string {
    return this.#thinking.delete(index) ? CLOSE : '';
  }
}
