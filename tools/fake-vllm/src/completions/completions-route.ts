import { tokenize, toTokens } from '../generation/plan.js';
import { planChoices } from '../generation/plan-choices.js';
import { streamReply } from '../generation/stream-reply.js';
import { wholeReply } from '../generation/whole-reply.js';
import type { Route } from '../http/router.js';
import type { EngineRun } from '../requests/engine-run.js';
import { serveRequest } from '../requests/serve-request.js';
import {
  type CompletionPrompt,
  type CompletionRequest,
  parseCompletionRequest,
} from './completion-request.js';
import { CompletionShapes } from './completion-shapes.js';

function say(run: EngineRun<CompletionRequest>, prompt: CompletionPrompt, mood: string) {
  const { behaviour, request } = run;
  if (behaviour.tokens !== undefined) return toTokens(behaviour.tokens);
  const heard = prompt.text.match(/\S+/g)?.slice(-20).join(' ') ?? 'nothing';
  const { seed } = request.sampling;
  const text =
    behaviour.text ?? request.constrainedText ?? ` and after ${heard} comes ${mood} by seed ${seed}.`;
  return tokenize(text);
}

/** `POST /v1/completions`: each prompt is answered `n` times. */
export const completionsRoute: Route = (engine, incoming, response) =>
  serveRequest(engine, incoming, response, parseCompletionRequest, (run, answer) => {
    const { prompts, sampling } = run.request;
    const choices = prompts.flatMap((prompt, at) => {
      const spoken = (mood: string) => say(run, prompt, mood);
      return planChoices(run, { before: [], spoken, after: [], mutesText: false }, at * sampling.n);
    });
    const reply = run.request.stream ? streamReply : wholeReply;
    return reply(run, answer, choices, new CompletionShapes(run));
  });
