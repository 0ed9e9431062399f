import type { ChatRequest } from '../chat/chat-request.js';
import type { Behaviour } from '../script/behaviour.js';

export interface Token {
  readonly text: string;
  readonly id: number;
  readonly reasoning: boolean;
}

/** What one choice is going to say, decided before the first token. */
export interface PlannedChoice {
  readonly index: number;
  readonly tokens: readonly Token[];
  readonly finishReason: string;
  /** Null at the end of the text, the string when a stop string matched. */
  readonly stopReason: string | null;
}

const words =
  'the a small bright figure stands near an open window with many coloured shapes around it and'.split(' ');

/** FNV-1a, 32 bits: stable over runs and platforms. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1)
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return value;
}

/** One word with the white space before it is one token; its id follows from its text. */
export function tokenize(text: string, reasoning = false): Token[] {
  return (text.match(/\s*\S+|\s+$/g) ?? []).map((piece) => ({
    text: piece,
    id: hash(piece) % 32_000,
    reasoning,
  }));
}

/** Says what it saw and heard, so that a test can tell whether every byte arrived. */
function describe(request: ChatRequest, index: number): string {
  const images = request.images.map(
    ({ width, height, byteSize, sha256 }) => `${width}x${height} ${byteSize} bytes ${sha256.slice(0, 8)}`,
  );
  const saw = images.length === 0 ? 'no image' : `${images.length} image(s): ${images.join(', ')}`;
  const heard = request.lastUserText.match(/\S+/g)?.slice(0, 20).join(' ') ?? 'nothing';
  const mood = words[hash(`${request.seed}:${index}`) % words.length];
  return `I see ${saw}. You said: ${heard}. Seed ${request.seed} says ${mood}.`;
}

function scriptedTokens(request: ChatRequest, behaviour: Behaviour, index: number): Token[] {
  const reasoning = behaviour.reasoning === undefined ? [] : tokenize(behaviour.reasoning, true);
  const spoken =
    behaviour.tokens?.map((text) => ({ text, id: hash(text) % 32_000, reasoning: false })) ??
    tokenize(behaviour.text ?? describe(request, index));
  return [...reasoning, ...spoken];
}

/** Goes on in seeded words when the request wants more tokens than there is to say. */
function lengthen(tokens: Token[], request: ChatRequest, index: number): Token[] {
  const wanted = request.ignoreEos ? request.maxTokens : Math.min(request.minTokens, request.maxTokens);
  const longer = [...tokens];
  while (longer.length < wanted) {
    const word = words[hash(`${request.seed}:${index}:${longer.length}`) % words.length];
    longer.push(...tokenize(` ${word}`));
  }
  return longer;
}

function cutAtStop(
  tokens: readonly Token[],
  stops: readonly string[],
): { tokens: Token[]; stop: string | null } {
  const text = tokens.map((token) => token.text).join('');
  const found = stops.map((stop) => ({ stop, at: text.indexOf(stop) })).filter(({ at }) => at !== -1);
  const first = found.sort((a, b) => a.at - b.at)[0];
  if (first === undefined) return { tokens: [...tokens], stop: null };
  const kept: Token[] = [];
  let length = 0;
  for (const token of tokens) {
    if (length >= first.at) break;
    kept.push({ ...token, text: token.text.slice(0, first.at - length) });
    length += token.text.length;
  }
  return { tokens: kept, stop: first.stop };
}

/** The whole answer of a request: a function of prompt, seed and behaviour alone. */
export function planAnswer(request: ChatRequest, behaviour: Behaviour): PlannedChoice[] {
  return Array.from({ length: request.n }, (_, index) => {
    const said = lengthen(scriptedTokens(request, behaviour, index), request, index);
    const { tokens, stop } = cutAtStop(said, request.stops);
    const isTooLong = tokens.length > request.maxTokens || (request.ignoreEos && stop === null);
    return {
      index,
      tokens: tokens.slice(0, request.maxTokens),
      finishReason: behaviour.finishReason ?? (isTooLong ? 'length' : 'stop'),
      stopReason: isTooLong ? null : stop,
    };
  });
}
