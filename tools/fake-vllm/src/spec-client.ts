import type { FakeVllm } from './index.js';

type Body = Readonly<Record<string, unknown>>;

/** 3 × 2 pixels, black. */
export const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAC0lEQVR4nGNgwAQAABQAAX3+Hu4AAAAASUVORK5CYII=';
export const pngUrl = `data:image/png;base64,${png}`;

/** How the specs of this package talk to a fake engine. */
export class SpecClient {
  readonly fake: FakeVllm;

  constructor(fake: FakeVllm) {
    this.fake = fake;
  }

  post(
    path: string,
    body: Body,
    init: { signal?: AbortSignal; headers?: Record<string, string> } = {},
  ): Promise<Response> {
    return fetch(`${this.fake.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...init.headers },
      body: JSON.stringify(body),
      ...(init.signal === undefined ? {} : { signal: init.signal }),
    });
  }

  chat(body: Body = {}, init: Parameters<SpecClient['post']>[2] = {}): Promise<Response> {
    const messages = [{ role: 'user', content: 'good morning' }];
    return this.post('/v1/chat/completions', { messages, ...body }, init);
  }

  /** The JSON of a 200; throws with the body of anything else. */
  // biome-ignore lint/suspicious/noExplicitAny: specs look at parts of answers of every shape
  async json(path: string, body: Body): Promise<any> {
    const response = await this.post(path, body);
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return response.json();
  }

  /** Chunks of a streamed chat, `'done'` for the end mark. */
  // biome-ignore lint/suspicious/noExplicitAny: specs look at parts of chunks of every shape
  async chunks(body: Body = {}): Promise<any[]> {
    return eventsOf(await this.chat({ stream: true, ...body }));
  }
}

/** The events of a stream, parsed; `'done'` for the end mark. */
// biome-ignore lint/suspicious/noExplicitAny: specs look at parts of chunks of every shape
export async function eventsOf(response: Response): Promise<any[]> {
  const text = await response.text();
  return text
    .split('\n\n')
    .filter((line) => line !== '')
    .map((line): unknown => (line === 'data: [DONE]' ? 'done' : JSON.parse(line.slice('data: '.length))));
}

/** A message that asks about images. */
export function asking(...images: readonly Body[]): Body {
  return { messages: [{ role: 'user', content: [{ type: 'text', text: 'what is it' }, ...images] }] };
}

export function imagePart(url: string, more: Body = {}): Body {
  return { type: 'image_url', image_url: { url }, ...more };
}

/** The value of one line of `/metrics`. */
export function metric(text: string, name: string, label = ''): number {
  const line = text.split('\n').find((each) => each.startsWith(`${name}{`) && each.includes(label));
  return Number(line?.split(' ').at(-1));
}
