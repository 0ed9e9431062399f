import type { ChatModelPiece, SampledLogprob } from '../../models/chat-model.js';
import type { AnswerForm } from './chat-request.js';

/** What every object of one answer begins with. */
export interface AnswerHead {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly model: string;
  readonly systemFingerprint: string;
}

/** Counts of one answer, kept while its pieces come. */
export class UsageCount {
  private promptTokens = 0;
  private readonly completions = new Map<number, number>();

  add(piece: ChatModelPiece): void {
    this.promptTokens = piece.promptTokens;
    this.completions.set(piece.index, piece.completionTokens);
  }

  get prompt(): number {
    return this.promptTokens;
  }

  /** Of all choices together. */
  get completion(): number {
    return [...this.completions.values()].reduce((sum, count) => sum + count, 0);
  }

  toWire(): { prompt_tokens: number; total_tokens: number; completion_tokens: number } {
    const { prompt, completion } = this;
    return { prompt_tokens: prompt, total_tokens: prompt + completion, completion_tokens: completion };
  }
}

/** vLLM's `logprobs` of a choice or a chunk. */
export function toWireLogprobs(entries: readonly SampledLogprob[] | undefined) {
  if (entries === undefined) return null;
  return {
    content: entries.map(({ token, logprob, bytes, top }) => ({ token, logprob, bytes, top_logprobs: top })),
  };
}

interface Choice {
  text: string;
  readonly tokenIds: number[];
  readonly logprobs: SampledLogprob[];
  hasLogprobs: boolean;
  end: ChatModelPiece['end'];
}

function collectChoices(pieces: readonly ChatModelPiece[]): Choice[] {
  const choices: Choice[] = [];
  for (const piece of pieces) {
    choices[piece.index] ??= { text: '', tokenIds: [], logprobs: [], hasLogprobs: false, end: undefined };
    const choice = choices[piece.index]!;
    choice.text += piece.text;
    choice.tokenIds.push(...piece.tokenIds);
    choice.logprobs.push(...(piece.logprobs ?? []));
    choice.hasLogprobs ||= piece.logprobs !== undefined;
    choice.end ??= piece.end;
  }
  return choices;
}

/** vLLM's whole answer, nulls included. `pieces` are all of the request. */
export function toChatAnswer(
  head: AnswerHead,
  form: AnswerForm,
  pieces: readonly ChatModelPiece[],
  usage: UsageCount,
) {
  return {
    id: head.id,
    object: 'chat.completion',
    created: head.created,
    model: head.model,
    choices: collectChoices(pieces).map((choice, index) => ({
      index,
      message: {
        role: 'assistant',
        content: choice.text,
        refusal: null,
        annotations: null,
        audio: null,
        function_call: null,
        tool_calls: [],
        reasoning: null,
      },
      logprobs: toWireLogprobs(choice.hasLogprobs ? choice.logprobs : undefined),
      finish_reason: choice.end?.finishReason ?? null,
      stop_reason: choice.end?.stopReason ?? null,
      token_ids: form.returnTokenIds ? choice.tokenIds : null,
      routed_experts: null,
    })),
    service_tier: null,
    system_fingerprint: head.systemFingerprint,
    usage: { ...usage.toWire(), prompt_tokens_details: null },
    prompt_logprobs: null,
    prompt_token_ids: form.returnTokenIds ? (pieces[0]?.promptTokenIds ?? null) : null,
    prompt_text: null,
    kv_transfer_params: null,
  };
}
