/** What a client sees of a streamed answer. */
export interface SeenStream {
  /** The JSON of each event, in order. */
  readonly chunks: readonly ChunkView[];
  readonly text: string;
  readonly done: boolean;
  /** The connection broke instead of ending. */
  readonly broken: boolean;
}

export interface ChunkView {
  readonly error?: { readonly code?: string; readonly message?: string };
  readonly usage?: { readonly completion_tokens?: number; readonly prompt_tokens?: number } | null;
  readonly choices?: readonly {
    readonly index: number;
    readonly finish_reason: string | null;
    readonly delta: { readonly content?: string };
  }[];
}

/** Yields the data of each event as it comes; every line must be exactly `data: …` or empty. */
export async function* sseData(response: Response): AsyncGenerator<string> {
  if (response.body === null) throw new Error('the answer has no body');
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of response.body) {
    rest += decoder.decode(bytes, { stream: true });
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const event = rest.slice(0, end);
      rest = rest.slice(end + 2);
      if (!event.startsWith('data: ') || event.includes('\n')) throw new Error(`not a plain event: ${event}`);
      yield event.slice('data: '.length);
    }
  }
  if (rest !== '') throw new Error(`bytes behind the last event: ${rest}`);
}

export const textOf = (chunk: ChunkView): string =>
  (chunk.choices ?? []).map((choice) => choice.delta.content ?? '').join('');

/** Reads a stream to its end. */
export async function readStream(
  response: Response,
  onChunk: (chunk: ChunkView) => void = () => {},
): Promise<SeenStream> {
  const chunks: ChunkView[] = [];
  let done = false;
  let broken = false;
  try {
    for await (const data of sseData(response)) {
      if (data === '[DONE]') done = true;
      else {
        const chunk = JSON.parse(data) as ChunkView;
        chunks.push(chunk);
        onChunk(chunk);
      }
    }
  } catch (error) {
    // Node's own errors are of another realm than the test's, so no `instanceof`.
    if (!(typeof error === 'object' && error !== null && 'name' in error && error.name === 'TypeError'))
      throw error;
    broken = true;
  }
  return { chunks, text: chunks.map(textOf).join(''), done, broken };
}
