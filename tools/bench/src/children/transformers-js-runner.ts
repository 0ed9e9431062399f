/**
 * Answers texts with transformers.js, one at a time, the only way it is exact. The parent's message is the list of texts as
 * JSON; the answer holds their tokens and the time.
 *
 * Usage: node transformers-js-runner.js <url of transformers.js> <model folder>
 */
interface Output {
  tolist(): bigint[][];
}

interface Inputs {
  readonly input_ids: { readonly dims: readonly number[] };
}

interface TransformersJs {
  readonly env: { allowRemoteModels: boolean };
  readonly AutoProcessor: {
    from_pretrained(folder: string): Promise<{
      readonly tokenizer: (text: string) => Inputs;
      apply_chat_template(messages: readonly object[], options: object): string;
    }>;
  };
  readonly AutoModelForImageTextToText: {
    from_pretrained(folder: string, options: object): Promise<{ generate(options: object): Promise<Output> }>;
  };
}

interface Question {
  readonly text: string;
  readonly maxTokens: number;
}

const [moduleUrl = '', folder = ''] = process.argv.slice(2);
const { env, AutoProcessor, AutoModelForImageTextToText }: TransformersJs = await import(moduleUrl);
env.allowRemoteModels = false;
const processor = await AutoProcessor.from_pretrained(folder);
const model = await AutoModelForImageTextToText.from_pretrained(folder, { device: 'cpu', dtype: 'fp32' });

async function answer({ text, maxTokens }: Question): Promise<number[]> {
  const messages = [{ role: 'user', content: [{ type: 'text', text }] }];
  const prompt = processor.apply_chat_template(messages, { add_generation_prompt: true });
  const inputs = processor.tokenizer(prompt);
  const output = await model.generate({ ...inputs, max_new_tokens: maxTokens, do_sample: false });
  return output.tolist()[0]!.slice(inputs.input_ids.dims[1]).map(Number);
}

process.on('message', async (message) => {
  const questions: readonly Question[] = JSON.parse(String(message));
  const tokenIds: number[][] = [];
  const startedAtMs = performance.now();
  for (const question of questions) tokenIds.push(await answer(question));
  process.send?.({ tookMs: performance.now() - startedAtMs, tokenIds });
});
