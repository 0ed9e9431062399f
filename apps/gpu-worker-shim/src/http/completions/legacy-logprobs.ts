import type { PromptLogprob, SampledLogprob, TokenLogprob } from '../../models/chat-model.js';
import { type PromptEcho, promptRoles } from '../../models/completion-model.js';

/** OpenAI's older form of log probabilities: one entry per token in each list. */
export interface LegacyLogprobs {
  readonly text_offset: number[];
  readonly token_logprobs: (number | null)[];
  readonly tokens: string[];
  readonly top_logprobs: (Record<string, number> | null)[];
}

export const noLogprobs = (): LegacyLogprobs => ({
  text_offset: [],
  token_logprobs: [],
  tokens: [],
  top_logprobs: [],
});

export function appendLogprobs(to: LegacyLogprobs, more: LegacyLogprobs): void {
  // One by one: a whole context is more than a call takes as arguments.
  for (const offset of more.text_offset) to.text_offset.push(offset);
  for (const logprob of more.token_logprobs) to.token_logprobs.push(logprob);
  for (const token of more.tokens) to.tokens.push(token);
  for (const top of more.top_logprobs) to.top_logprobs.push(top);
}

function codePoints(text: string): number {
  let count = 0;
  for (const _point of text) count += 1;
  return count;
}

/** By text; where two tokens have one text, the more probable one, which comes first, stays. */
function toRecord(entries: readonly TokenLogprob[]): Record<string, number> {
  const record = new Map<string, number>();
  for (const { token, logprob } of entries) if (!record.has(token)) record.set(token, logprob);
  return Object.fromEntries(record);
}

/** The k best tokens and the sampled one. The model gave the sampled one and k others. */
function bestAndSampled({ top, ...sampled }: SampledLogprob, count: number): TokenLogprob[] {
  const others = top.slice(1);
  const last = others.at(-1);
  // Then the sampled one is among the k best, and the last one is not.
  const isOneTooMany = others.length === count && last !== undefined && sampled.logprob >= last.logprob;
  return [sampled, ...(isOneTooMany ? others.slice(0, -1) : others)];
}

/** Writes the lists of one choice, and knows where in its text each token begins. */
export class LegacyLogprobWriter {
  // Code points may be spread over tokens, and the text has each of them once.
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  private offset = 0;

  /** @param count alternatives per token */
  constructor(private readonly count: number) {}

  /** What is said of the prompt that an answer begins with; nothing of its images. */
  prompt({ roles, first }: PromptEcho, known: readonly (PromptLogprob | null)[]): LegacyLogprobs {
    const lists = noLogprobs();
    for (const [at, role] of roles.entries()) {
      if (role === promptRoles.image) continue;
      const isHidden = role === promptRoles.hidden;
      const entry = at === 0 ? null : known[at - 1];
      if (entry === null || entry === undefined) this.add(lists, first, isHidden, null, null);
      else {
        const top = toRecord([entry, ...entry.top.slice(0, this.count)]);
        this.add(lists, entry, isHidden, entry.logprob, top);
      }
    }
    return lists;
  }

  sampled(entries: readonly SampledLogprob[]): LegacyLogprobs {
    const lists = noLogprobs();
    for (const entry of entries) {
      const top = toRecord(bestAndSampled(entry, this.count));
      this.add(lists, entry, entry.isHidden === true, entry.logprob, top);
    }
    return lists;
  }

  private add(
    lists: LegacyLogprobs,
    { token, bytes }: Pick<TokenLogprob, 'token' | 'bytes'>,
    isHidden: boolean,
    logprob: number | null,
    top: Record<string, number> | null,
  ): void {
    lists.text_offset.push(this.offset);
    lists.tokens.push(token);
    lists.token_logprobs.push(logprob);
    lists.top_logprobs.push(top);
    if (isHidden) return;
    this.offset += codePoints(this.decoder.decode(Uint8Array.from(bytes), { stream: true }));
  }
}
