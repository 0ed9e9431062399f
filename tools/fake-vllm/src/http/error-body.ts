import type { ErrorForm } from '../script/behaviour.js';
import { typeOfStatus } from './vllm-error.js';

export interface ErrorFacts {
  readonly status: number;
  readonly message: string;
  readonly type?: string | undefined;
  readonly param?: string | null | undefined;
}

/** The body of an error in one of the forms engines use: see `ErrorForm`. Plain text for the last two. */
export function errorBody(facts: ErrorFacts, form: ErrorForm = 'nested'): string {
  const { status, message } = facts;
  const fields = {
    message,
    type: facts.type ?? typeOfStatus(status),
    param: facts.param ?? null,
    code: status,
  };
  switch (form) {
    case 'nested':
      return JSON.stringify({ error: fields });
    case 'flat':
      return JSON.stringify({ object: 'error', ...fields });
    case 'string':
      return JSON.stringify({ error: message });
    case 'detail':
      return JSON.stringify({ detail: message });
    case 'plain':
      return message;
    case 'empty':
      return '';
  }
}

export function errorContentType(form: ErrorForm = 'nested'): string {
  return form === 'plain' || form === 'empty' ? 'text/plain; charset=utf-8' : 'application/json';
}
