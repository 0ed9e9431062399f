import { detailsOf, type Problem, ProblemError, sentenceOf } from '../wire/problem.js';
import { copyText } from './copy-text.js';
import { button, element } from './elements.js';

/** Shows a problem as sentences, with what one needs to look it up. */
export function showProblem(place: HTMLElement, problem: Problem): void {
  const details = detailsOf(problem).map((detail) => element('span', {}, detail));
  const { requestId } = problem;
  if (requestId !== undefined) {
    const copy = button('copy', () => void copyText(requestId, copy));
    copy.setAttribute('aria-label', 'Copy the request id');
    details.push(element('span', {}, `request ${requestId} `, copy));
  }
  place.replaceChildren(
    element('p', {}, sentenceOf(problem)),
    element('div', { class: 'detail' }, ...details),
  );
  place.hidden = false;
}

export function hideProblem(place: HTMLElement): void {
  place.hidden = true;
  place.replaceChildren();
}

/** Anything thrown as a problem; what is none of ours is a bug of this page and says so. */
export function asProblem(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  const reason = error instanceof Error ? error.message : String(error);
  return { code: 'PAGE', message: `This page failed: ${reason}` };
}

export const isStopped = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'AbortError';
