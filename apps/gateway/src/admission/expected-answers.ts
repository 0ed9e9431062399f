import type { Task } from '@fovea/schemas/jobs';

/** Until a model has answered. */
const FIRST_GUESS_TOKENS = 256;
/** So many answers are what the mean mostly comes from. */
const MEAN_OVER = 32;
const MAX_MODELS = 1_000;

/**
 * How long the answers of each model are: the mean of the last ones that this gateway has seen. Clients that set no maximum,
 * or a generous one, would else make a short queue look like days of work.
 */
export class ExpectedAnswers {
  readonly #means = new Map<string, { readonly mean: number; readonly answers: number }>();

  /** @param tokens of all choices of one answer */
  note(model: string, tokens: number): void {
    const { mean, answers } = this.#means.get(model) ?? { mean: 0, answers: 0 };
    const counted = Math.min(answers + 1, MEAN_OVER);
    this.#means.delete(model);
    this.#means.set(model, { mean: mean + (tokens - mean) / counted, answers: counted });
    const [oldest] = this.#means.keys();
    if (this.#means.size > MAX_MODELS && oldest !== undefined) this.#means.delete(oldest);
  }

  /** Tokens of the answer to expect: the mean, at most what the request allows; 0 for what generates nothing. */
  of(model: string, task: Task): number {
    const mean = this.#means.get(model)?.mean ?? FIRST_GUESS_TOKENS;
    return Math.round(Math.min(mean, mostTokens(task)));
  }
}

function mostTokens(task: Task): number {
  if (task.kind === 'transcription') return Number.POSITIVE_INFINITY;
  if (task.kind !== 'chat' && task.kind !== 'completion') return 0;
  const { maxTokens = Number.POSITIVE_INFINITY, n = 1 } = task.sampling;
  const prompts = task.kind === 'completion' && Array.isArray(task.prompts) ? task.prompts.length : 1;
  return maxTokens * n * prompts;
}
