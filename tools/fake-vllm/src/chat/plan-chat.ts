import { createHash } from 'node:crypto';
import { minimalJson } from '../constraints/minimal-json.js';
import type { ToolCallIds } from '../engine/engine-options.js';
import type { PlannedCall, PlannedChoice, Token } from '../generation/plan.js';
import { tokenize, toTokens } from '../generation/plan.js';
import { planChoices, type Script } from '../generation/plan-choices.js';
import type { EngineRun } from '../requests/engine-run.js';
import { splitWords } from '../tokenizer/vocabulary.js';
import type { ChatRequest } from './chat-request.js';

interface Call {
  readonly name: string;
  readonly arguments: string;
  readonly id?: string | undefined;
}

function callId(form: ToolCallIds, seed: string, name: string, index: number): string {
  if (form === 'kimi') return `functions.${name}:${index}`;
  const digest = createHash('md5').update(`${seed}:${index}`).digest('hex');
  return form === 'mistral' ? digest.slice(0, 9) : `chatcmpl-tool-${digest}`;
}

/** Scripted calls, or the call a request insists on, with the smallest arguments its schema allows. */
function callsOf(run: EngineRun<ChatRequest>): readonly Call[] {
  const { request, behaviour } = run;
  const [first] = request.tools;
  if (first === undefined) return [];
  const scripted = behaviour.toolCalls?.map((call) => ({
    ...call,
    arguments: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments),
  }));
  if (scripted !== undefined) return request.parallelToolCalls ? scripted : scripted.slice(0, 1);
  if (request.toolChoice === 'auto') return [];
  const { name, parameters } = first.function;
  return [{ name, arguments: JSON.stringify(parameters == null ? {} : minimalJson(parameters)) }];
}

/** A call in tokens: one without text that opens it, then its arguments in pieces. */
function callTokens(call: Call, index: number): Token[] {
  const pieces = splitWords(call.arguments.replace(/([{,:])(?=\S)/g, '$1\u0000')).flatMap((piece) =>
    piece.split('\u0000'),
  );
  return toTokens(['', ...pieces.filter((piece) => piece !== '')], 'tool', index);
}

/** Says what it saw and heard, so that a test can tell whether every byte arrived. */
function describe(request: ChatRequest, mood: string): string {
  const images = request.images.map(
    ({ width, height, byteSize, sha256 }) => `${width}x${height} ${byteSize} bytes ${sha256.slice(0, 8)}`,
  );
  const saw = images.length === 0 ? 'no image' : `${images.length} image(s): ${images.join(', ')}`;
  const heard = request.lastUserText.match(/\S+/g)?.slice(0, 20).join(' ') ?? 'nothing';
  return `I see ${saw}. You said: ${heard}. Seed ${request.sampling.seed} says ${mood}.`;
}

function script(run: EngineRun<ChatRequest>, calls: readonly Call[]): Script {
  const { request, behaviour } = run;
  const speaksWithCalls = request.toolChoice === 'auto';
  return {
    before: behaviour.reasoning === undefined ? [] : tokenize(behaviour.reasoning, 'reasoning'),
    spoken: (mood) => {
      if (behaviour.tokens !== undefined) return toTokens(behaviour.tokens);
      if (behaviour.text !== undefined) return tokenize(behaviour.text);
      if (calls.length > 0) return [];
      return tokenize(request.constrainedText ?? describe(request, mood));
    },
    after: calls.flatMap(callTokens),
    mutesText: calls.length > 0 && !speaksWithCalls,
  };
}

/** The whole answer of a chat request: a function of model, prompt, seed and script alone. */
export function planChat(run: EngineRun<ChatRequest>): PlannedChoice[] {
  const { request, behaviour, requestId } = run;
  const calls = callsOf(run);
  const form = behaviour.toolCallIds ?? run.engine.settings.toolCallIds;
  return planChoices(run, script(run, calls)).map((choice) => {
    if (calls.length === 0) return choice;
    const ids = calls.map(
      (call, at): PlannedCall => ({
        id: call.id ?? callId(form, `${requestId}:${choice.index}`, call.name, at),
        name: call.name,
      }),
    );
    const ended = request.toolChoice === 'named' ? 'stop' : 'tool_calls';
    const isCut = choice.finishReason === 'length' || choice.stopReason !== null;
    const finishReason = behaviour.finishReason ?? (isCut ? choice.finishReason : ended);
    return { ...choice, calls: ids, finishReason };
  });
}
