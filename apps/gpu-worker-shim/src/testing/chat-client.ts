import { z } from 'zod';

const answerSchema = z.object({
  choices: z.array(
    z.object({
      message: z.object({ content: z.string() }),
      finish_reason: z.string(),
      stop_reason: z.union([z.string(), z.number()]).nullable(),
      token_ids: z.array(z.number()).nullable(),
      logprobs: z
        .object({ content: z.array(z.object({ token: z.string(), logprob: z.number() })) })
        .nullable(),
    }),
  ),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number(), total_tokens: z.number() }),
  prompt_token_ids: z.array(z.number()).nullable(),
});
export type Answer = z.infer<typeof answerSchema>;

const chunkSchema = z.object({
  choices: z.array(
    z.object({ delta: z.object({ content: z.string() }), finish_reason: z.string().nullable() }),
  ),
});

/** Talks to a shim over real HTTP, the way the adapter does. */
export class ChatClient {
  constructor(private readonly address: string) {}

  /** A question, with pictures before it. */
  static ask(question: string, ...images: string[]) {
    const pictures = images.map((url) => ({ type: 'image_url', image_url: { url } }));
    return {
      messages: [{ role: 'user', content: [...pictures, { type: 'text', text: question }] }],
      temperature: 0,
    };
  }

  post(body: object, signal?: AbortSignal): Promise<Response> {
    return fetch(`${this.address}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...(signal !== undefined && { signal }),
    });
  }

  async answer(body: object): Promise<Answer> {
    return answerSchema.parse(await (await this.post(body)).json());
  }

  async text(body: object): Promise<string> {
    return (await this.answer(body)).choices[0]?.message.content.trim() ?? '';
  }

  /** The contents of a stream's chunks as they come; ends behind `[DONE]`. */
  async *stream(body: object, signal?: AbortSignal): AsyncGenerator<string, void> {
    const response = await this.post({ ...body, stream: true }, signal);
    if (response.body === null) return;
    let rest = '';
    for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) {
      const events = (rest + bytes).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) {
        if (event === 'data: [DONE]') return;
        const chunk = chunkSchema.parse(JSON.parse(event.replace(/^data: /, '')));
        yield chunk.choices[0]?.delta.content ?? '';
      }
    }
  }

  /** The value of one of vLLM's metrics, labels aside; 0 when it is not there. */
  async metric(name: string, label = ''): Promise<number> {
    const text = await (await fetch(`${this.address}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`vllm:${name}{`) && one.includes(label));
    return Number(line?.split(' ').at(-1) ?? 0);
  }
}
