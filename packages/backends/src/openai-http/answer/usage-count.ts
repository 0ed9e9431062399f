import type { Usage } from '@fovea/schemas/events';
import type { ChatChunk } from '../chat/chat-chunk.js';

/**
 * Keeps the token counts of one answer. vLLM's running usage (`continuous_usage_stats`) counts the tokens of the
 * chunk's own choice; the usage of a chunk without choices, the last one, is that of all together.
 */
export class UsageCount {
  readonly #completionTokens = new Map<number, number>();
  #promptTokens: number | undefined;
  #total: Usage | undefined;

  note({ usage, choices }: ChatChunk): void {
    if (usage?.prompt_tokens == null) return;
    const promptTokens = usage.prompt_tokens;
    const completionTokens = usage.completion_tokens ?? 0;
    this.#promptTokens = promptTokens;
    const [first, ...others] = choices ?? [];
    // A whole answer holds all of its choices at once.
    if (first === undefined || others.length > 0) this.#total = { promptTokens, completionTokens };
    else this.#completionTokens.set(first.index ?? 0, completionTokens);
  }

  /** What has been counted so far, over all choices. */
  get running(): Usage | undefined {
    if (this.#promptTokens === undefined) return undefined;
    const counts = [...this.#completionTokens.values()];
    return {
      promptTokens: this.#promptTokens,
      completionTokens: counts.reduce((sum, count) => sum + count, 0),
    };
  }

  /** The engine's last word. */
  get final(): Usage | undefined {
    return this.#total ?? this.running;
  }
}
