import type { GenerationEvent, Usage } from '@fovea/schemas/events';

/**
 * What a generation has used so far, from its events. Where the engine reports running totals they count; pieces
 * after the last total are added by their token ids, or as one token each when the engine gives none.
 */
export class UsageCount {
  #total: Usage = { promptTokens: 0, completionTokens: 0 };

  add(events: readonly GenerationEvent[]): void {
    for (const event of events) this.#addOne(event);
  }

  get usage(): Usage {
    return this.#total;
  }

  #addOne(event: GenerationEvent): void {
    switch (event.type) {
      case 'text-delta':
        this.#total = event.usage ?? this.#plus(event.tokenIds?.length ?? (event.text === '' ? 0 : 1));
        return;
      case 'reasoning-delta':
        this.#total = this.#plus(event.text === '' ? 0 : 1);
        return;
      case 'generation-end':
        this.#total = event.usage;
        return;
      default:
        return;
    }
  }

  #plus(tokens: number): Usage {
    return { ...this.#total, completionTokens: this.#total.completionTokens + tokens };
  }
}
