import type { Behaviour, ErrorForm, Fault } from '@fovea/fake-vllm';

/** What an engine says when nothing goes wrong. */
export const ANSWER = 'one two three four five six';

/** What the client of a request is told in the end. */
export type Expected =
  | { readonly kind: 'answer' }
  /** Nothing of an answer: this status and code, for streams too. */
  | { readonly kind: 'refused'; readonly status: number; readonly code: string }
  /** The beginning of an answer and then an error event; 502 for whoever waited for the whole. */
  | { readonly kind: 'broken-off' }
  /** Nobody is told anything: the client leaves when the engine has come so far. */
  | { readonly kind: 'left'; readonly at: 'request' | 'running' | 'held' | 'sent' };

/** One way for a request to go. */
export interface FaultCase {
  readonly name: string;
  readonly behaviour: Behaviour;
  /** How many of its attempts go that way; all by default. */
  readonly times?: number;
  readonly expected: Expected;
}

const forms: readonly ErrorForm[] = ['nested', 'flat', 'string', 'detail', 'plain', 'empty'];
const answer: Expected = { kind: 'answer' };
const brokenOff: Expected = { kind: 'broken-off' };
const badRequest: Expected = { kind: 'refused', status: 400, code: 'INVALID_REQUEST' };
const badEngine: Expected = { kind: 'refused', status: 502, code: 'BACKEND_ERROR' };

function fails(name: string, fault: Fault, expected: Expected, times?: number): FaultCase {
  const more = times === undefined ? {} : { times };
  return { name, behaviour: { text: ANSWER, fault }, expected, ...more };
}

const healthy: readonly FaultCase[] = [
  { name: 'plain', behaviour: {}, expected: answer },
  { name: 'several tokens per delta', behaviour: { tokensPerDelta: 4 }, expected: answer },
  { name: 'text in the finish chunk', behaviour: { finishWithText: true }, expected: answer },
  { name: 'an empty delta', behaviour: { emptyDeltaAfter: 2 }, expected: answer },
  { name: 'reasoning in front', behaviour: { reasoning: 'let me see' }, expected: answer },
].map(({ behaviour, ...rest }) => ({ ...rest, behaviour: { text: ANSWER, ...behaviour } }) as FaultCase);

const statuses: readonly FaultCase[] = [
  ...forms.flatMap((form) => [
    fails(`400, ${form}`, { kind: 'status', status: 400, message: 'no such thing', form }, badRequest),
    fails(`500, ${form}`, { kind: 'status', status: 500, message: 'out of luck', form }, badEngine),
  ]),
  fails('401', { kind: 'status', status: 401, message: 'Unauthorized', form: 'string' }, badEngine),
  fails('no such route', { kind: 'status', status: 404, message: 'Not Found', form: 'detail' }, badEngine),
  fails(
    'unknown model',
    { kind: 'status', status: 404, message: 'The model `x` does not exist', type: 'NotFoundError' },
    { kind: 'refused', status: 404, code: 'UNKNOWN_MODEL' },
  ),
  fails('500 once', { kind: 'status', status: 500, message: 'once' }, answer, 1),
  fails('503 once', { kind: 'status', status: 503, message: 'The queue is full.' }, answer, 1),
];

const events: readonly FaultCase[] = [
  fails('leading 400', { kind: 'leading-error', status: 400, message: 'no such grammar' }, badRequest),
  fails(
    'leading context error',
    {
      kind: 'leading-error',
      status: 400,
      message: 'Input length (9000) exceeds model’s maximum context length (8192)',
    },
    { kind: 'refused', status: 400, code: 'CONTEXT_LENGTH_EXCEEDED' },
  ),
  fails('leading 500', { kind: 'leading-error', status: 500, message: 'Internal server error' }, badEngine),
  fails('late error', { kind: 'late-error', afterTokens: 2 }, brokenOff),
  fails('only [DONE]', { kind: 'only-done' }, badEngine),
  fails('only [DONE], once', { kind: 'only-done' }, answer, 1),
  fails('no [DONE]', { kind: 'missing-done' }, brokenOff),
  fails('no finish reason', { kind: 'missing-finish' }, brokenOff),
  fails('no JSON', { kind: 'raw', pieces: ['data: {"choices": [\n\n'] }, badEngine),
  fails('a page of a proxy', { kind: 'raw', pieces: ['<html>'], contentType: 'text/html' }, badEngine),
  fails('an empty 200', { kind: 'raw', pieces: [] }, badEngine),
];

const connectionKinds = ['reset', 'crash', 'half-close', 'garbage'] as const;
const connections: readonly FaultCase[] = connectionKinds.flatMap((kind) => [
  fails(`${kind} at once`, { kind }, badEngine),
  fails(`${kind} once`, { kind }, answer, 1),
  fails(`${kind} in mid-answer`, { kind, afterTokens: 2 }, brokenOff),
]);

/** Clients that leave; `gate` is never opened. */
const departures: readonly FaultCase[] = [
  { name: 'left at once', behaviour: { text: ANSWER }, expected: { kind: 'left', at: 'sent' } },
  fails('left a silent engine', { kind: 'hang' }, { kind: 'left', at: 'request' }),
  fails('left a stalled answer', { kind: 'hang', afterTokens: 2 }, { kind: 'left', at: 'running' }),
  ...[0, 3].map((afterTokens) => ({
    name: `left after ${afterTokens} tokens`,
    behaviour: { text: ANSWER, hold: { afterTokens, gate: 'never' } },
    expected: { kind: 'left', at: 'held' } as const,
  })),
];

/** All the ways that one request can go while the engine as a whole is well. */
export const faultCases: readonly FaultCase[] = [
  ...healthy,
  ...statuses,
  ...events,
  ...connections,
  ...departures,
];
