/** How media bytes are written at a place: `data:image/png;base64,…` or bare base64. */
export type MediaForm = 'data-url' | 'base64';

/** One kind of item that may hold a medium: `type` says whether it does, wherever among the keys it stands. */
export interface MediaRule {
  /** Where the items stand. `[*]` is every element of a list. */
  readonly items: string;
  /** The item is a medium when its `type` is this. */
  readonly type: string;
  /** Where in the item the medium stands, if it is a string. */
  readonly media: string;
  readonly form: MediaForm;
}

/** What the reader knows of one place in a document. Values at no known place have none. */
export interface Place {
  readonly keys: ReadonlyMap<string, Place>;
  readonly element: Place | undefined;
  /** Set on items: the `type` that makes them media. */
  readonly mediaType: string | undefined;
  /** Set where a medium may stand. */
  readonly form: MediaForm | undefined;
}

interface Draft {
  readonly keys: Map<string, Draft>;
  element: Draft | undefined;
  mediaType: string | undefined;
  form: MediaForm | undefined;
}

const draft = (): Draft => ({ keys: new Map(), element: undefined, mediaType: undefined, form: undefined });

/** The places of a route, from its rules: a tree that the reader walks along with the document. */
export function mediaPlaces(rules: readonly MediaRule[]): Place {
  const root = draft();
  for (const rule of rules) {
    const item = reach(root, rule.items);
    if (item.mediaType !== undefined) throw new Error(`two rules for ${rule.items}`);
    item.mediaType = rule.type;
    reach(item, rule.media).form = rule.form;
  }
  return root;
}

function reach(from: Draft, path: string): Draft {
  let place = from;
  for (const [step] of path.matchAll(/\[\*\]|[^.[\]]+/g)) {
    if (step === '[*]') {
      place.element ??= draft();
      place = place.element;
    } else {
      const next = place.keys.get(step) ?? draft();
      place.keys.set(step, next);
      place = next;
    }
  }
  return place;
}

/** The images of `POST /chat/completions`. */
export const chatMedia = mediaPlaces([
  { items: 'messages[*].content[*]', type: 'image_url', media: 'image_url.url', form: 'data-url' },
]);

/** The images of a prompt, as `POST /complete` and the embedding routes take it. */
export const promptMedia = mediaPlaces([
  { items: 'prompt[*]', type: 'image', media: 'data', form: 'base64' },
]);
