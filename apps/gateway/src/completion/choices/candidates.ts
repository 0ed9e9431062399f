import type { GenerationEvent, Usage } from '@fovea/schemas/events';
import type { CompletionChoice } from './collected-choices.js';

/** vLLM takes a temperature below this for 0. */
const GREEDY_BELOW = 1e-5;

export interface CandidateWishes {
  readonly prompts: number;
  /** Texts answered for each prompt. */
  readonly n: number | undefined;
  /** Texts generated for each prompt, of which the best are answered; `n` when left out. */
  readonly bestOf: number | undefined;
  /** Of the engine's request; 1 when left out. */
  readonly temperature: number | undefined;
  readonly echo: boolean;
}

/**
 * How many texts the engine generates for each prompt, and which of them are answered. The likeliest text is always the
 * same, so of greedy candidates one is generated and repeated; engines refuse to make several.
 */
export class Candidates {
  /** Of each prompt, in the answer. */
  readonly returned: number;
  /** Of each prompt, as the client counts them. */
  readonly generated: number;
  /** Of each prompt, from the engine. */
  readonly asked: number;
  readonly #prompts: number;
  readonly #echo: boolean;

  constructor({ prompts, n = 1, bestOf = n, temperature = 1, echo }: CandidateWishes) {
    this.returned = n;
    this.generated = bestOf;
    this.asked = temperature < GREEDY_BELOW ? 1 : bestOf;
    this.#prompts = prompts;
    this.#echo = echo;
  }

  /** True when candidates are compared, which takes their log probabilities, and all of their text. */
  get areCompared(): boolean {
    return this.asked > this.returned;
  }

  /** Choices of the engine's answer. */
  get engineChoices(): number {
    return this.#prompts * this.asked;
  }

  /** Tokens of all candidates; those of the prompt once. */
  count({ promptTokens, completionTokens }: Usage): Usage {
    return { promptTokens, completionTokens: completionTokens * (this.generated / this.asked) };
  }

  /** An event of the engine's answer as events of the client's: repeated for each choice it stands for. */
  spread<E extends GenerationEvent>(event: E): E[] {
    if (this.asked === this.returned || !isOfChoice(event)) return [event];
    const first = event.index * this.returned;
    return Array.from({ length: this.returned }, (_, at) => ({ ...event, index: first + at }));
  }

  /** The choices of the answer, prompt by prompt. `usage` is the engine's, of all choices together. */
  choose(choices: readonly CompletionChoice[], usage: Usage): CompletionChoice[] {
    const echoed = this.#echo ? echoedTokens(choices, usage) : 0;
    const chosen: CompletionChoice[] = [];
    for (let first = 0; first < choices.length; first += this.asked) {
      const ofPrompt = choices.slice(first, first + this.asked);
      const best = this.areCompared ? byLikelihood(ofPrompt, echoed) : ofPrompt;
      for (let at = 0; at < this.returned; at += 1) chosen.push(best[at % best.length] ?? missing());
    }
    return chosen;
  }
}

const missing = (): never => {
  throw new Error('an answer without choices');
};

const isOfChoice = (event: GenerationEvent): event is Extract<GenerationEvent, { index: number }> =>
  event.type === 'text-delta' || event.type === 'choice-end';

/** Tokens of an echoed prompt in front of each choice: what has a log probability and was not generated. */
function echoedTokens(choices: readonly CompletionChoice[], { completionTokens }: Usage): number {
  const all = choices.reduce((sum, { logprobs }) => sum + logprobs.length, 0);
  return Math.max(0, Math.round((all - completionTokens) / Math.max(1, choices.length)));
}

/** The highest log probability per generated token first, as `best_of` has it; the earlier one of two alike. */
function byLikelihood(choices: readonly CompletionChoice[], echoed: number): CompletionChoice[] {
  const meanOf = ({ logprobs }: CompletionChoice): number => {
    const generated = logprobs.slice(echoed);
    const sum = generated.reduce((total, { logprob }) => total + logprob, 0);
    return generated.length === 0 ? 0 : sum / generated.length;
  };
  const means = new Map(choices.map((choice) => [choice, meanOf(choice)]));
  return [...choices].sort((a, b) => (means.get(b) ?? 0) - (means.get(a) ?? 0));
}
