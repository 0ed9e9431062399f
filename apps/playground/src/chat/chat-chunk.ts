import { type Problem, problemIn } from '../wire/problem.js';

/** What one event of a streamed answer says; parts that it does not have are left out. */
export interface ChatChunk {
  readonly text?: string;
  readonly reasoning?: string;
  readonly finishReason?: string;
  readonly usage?: { readonly promptTokens: number; readonly completionTokens: number };
  readonly problem?: Problem;
  readonly isLast?: true;
}

interface ChunkWire {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null; readonly reasoning_content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
}

/** Reads the data of one event. Throws `SyntaxError` for what is neither JSON nor `[DONE]`. */
export function parseChunk(data: string): ChatChunk {
  if (data === '[DONE]') return { isLast: true };
  const wire = JSON.parse(data) as ChunkWire;
  const problem = problemIn(wire, undefined);
  if (problem !== undefined) return { problem };
  const [choice] = wire.choices ?? [];
  const { content, reasoning_content: reasoning } = choice?.delta ?? {};
  const { usage } = wire;
  return {
    ...(content ? { text: content } : {}),
    ...(reasoning ? { reasoning } : {}),
    ...(choice?.finish_reason ? { finishReason: choice.finish_reason } : {}),
    ...(usage
      ? { usage: { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens } }
      : {}),
  };
}
