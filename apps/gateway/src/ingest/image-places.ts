/** An `image_url` object whose `url` is a string, and where it stands. */
export interface ImagePlace {
  readonly holder: { url: string };
  readonly path: string;
}

type Fields = Record<string, unknown>;
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const hasUrl = (value: Fields): value is Fields & { url: string } => typeof value.url === 'string';

/**
 * The places at which a chat request expects an image: `messages[i].content[j].image_url.url` of parts whose type is
 * `image_url`. Everything of another form is left for the schema to refuse.
 */
export function* collectImageUrls(value: unknown): Generator<ImagePlace> {
  if (!isObject(value)) return;
  for (const [messageIndex, message] of listOf(value.messages).entries()) {
    if (!isObject(message)) continue;
    for (const [partIndex, part] of listOf(message.content).entries()) {
      if (!isObject(part) || part.type !== 'image_url') continue;
      const holder = part.image_url;
      if (!isObject(holder) || !hasUrl(holder)) continue;
      yield { holder, path: `messages[${messageIndex}].content[${partIndex}].image_url.url` };
    }
  }
}
