import type { Picture } from '../pictures/picture.js';

/** One thing that was said; what the model thought is not sent back to it. */
export type Turn =
  | { readonly role: 'user'; readonly text: string; readonly pictures: readonly Picture[] }
  | { readonly role: 'assistant'; readonly text: string };

/** Sampling fields by their names on the wire; what the user left empty is not there. */
export type Sampling = Readonly<Record<string, number | string>>;

/** All that makes up one question. */
export interface Question {
  readonly model: string;
  readonly system: string;
  readonly turns: readonly Turn[];
  readonly sampling: Sampling;
}

export type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly picture: Picture };

/** A message of the request; a picture stands for its data URL. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string | readonly Part[];
}

/** The conversation as the API takes it: pictures stand before the text that asks about them. */
export function messagesOf({ system, turns }: Question): Message[] {
  const said = turns.map((turn): Message => {
    if (turn.role === 'assistant' || turn.pictures.length === 0) {
      return { role: turn.role, content: turn.text };
    }
    const images = turn.pictures.map((picture): Part => ({ type: 'image', picture }));
    const text: Part[] = turn.text === '' ? [] : [{ type: 'text', text: turn.text }];
    return { role: 'user', content: [...images, ...text] };
  });
  return system === '' ? said : [{ role: 'system', content: system }, ...said];
}
