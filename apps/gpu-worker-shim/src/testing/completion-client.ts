import { z } from 'zod';

const logprobsSchema = z.object({
  text_offset: z.array(z.number()),
  token_logprobs: z.array(z.number().nullable()),
  tokens: z.array(z.string()),
  top_logprobs: z.array(z.record(z.string(), z.number()).nullable()),
});

const rankedSchema = z.record(
  z.string(),
  z.object({ logprob: z.number(), rank: z.number(), decoded_token: z.string() }),
);

const choiceSchema = z.object({
  index: z.number(),
  text: z.string(),
  logprobs: logprobsSchema.nullable(),
  finish_reason: z.string().nullable(),
  stop_reason: z.union([z.string(), z.number()]).nullable(),
  token_ids: z.array(z.number()).nullable(),
  prompt_token_ids: z.array(z.number()).nullable(),
  prompt_logprobs: z.array(rankedSchema.nullable()).nullish(),
});
export type CompletionChoice = z.infer<typeof choiceSchema>;

const usageSchema = z.object({
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
  total_tokens: z.number(),
});

const answerSchema = z.object({ choices: z.array(choiceSchema), usage: usageSchema });
export type CompletionAnswer = z.infer<typeof answerSchema>;

const chunkSchema = z.object({ choices: z.array(choiceSchema), usage: usageSchema.optional() });

/** Asks a shim for completions over real HTTP. */
export class CompletionClient {
  constructor(
    private readonly address: string,
    private readonly model: string,
  ) {}

  post(body: object, signal?: AbortSignal): Promise<Response> {
    return fetch(`${this.address}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: this.model, temperature: 0, ...body }),
      ...(signal !== undefined && { signal }),
    });
  }

  async answer(body: object): Promise<CompletionAnswer> {
    const response = await this.post(body);
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    return answerSchema.parse(await response.json());
  }

  /** The only choice. */
  async choice(body: object): Promise<CompletionChoice> {
    const { choices } = await this.answer({ return_token_ids: true, ...body });
    if (choices.length !== 1) throw new Error(`There are ${choices.length} choices.`);
    return choices[0]!;
  }

  /** All chunks of a stream, whose last event must be `[DONE]`. */
  async chunks(body: object): Promise<z.infer<typeof chunkSchema>[]> {
    const response = await this.post({ ...body, stream: true });
    const events = (await response.text()).split('\n\n').filter((event) => event !== '');
    if (events.pop() !== 'data: [DONE]') throw new Error('The stream has no end.');
    return events.map((event) => chunkSchema.parse(JSON.parse(event.replace(/^data: /, ''))));
  }
}
