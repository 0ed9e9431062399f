/** What a user of the Vercel AI SDK does: told of the world on standard input, prints what came back, by feature. */
import { text as readAll } from 'node:stream/consumers';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import {
  APICallError,
  embedMany,
  generateText,
  jsonSchema,
  Output,
  streamText,
  type ToolSet,
  tool,
} from 'ai';

interface World {
  readonly url: string;
  readonly key: string;
  readonly picture: string;
  readonly question: string;
  readonly weather_tool: { readonly function: { readonly description: string; readonly parameters: object } };
  readonly place_schema: object;
  readonly models: Readonly<Record<'describer' | 'writer' | 'latecomer', string>>;
}

const world = JSON.parse(await readAll(process.stdin)) as World;
const { models } = world;
const providerOf = (query: Record<string, string> = {}) =>
  createOpenAICompatible({
    name: 'fovea',
    baseURL: `${world.url}/v1`,
    apiKey: world.key,
    includeUsage: true,
    supportsStructuredOutputs: true,
    queryParams: query,
  });
const provider = providerOf();
const once = { maxRetries: 0 };
const aboutPicture = [
  {
    role: 'user' as const,
    content: [
      { type: 'text' as const, text: world.question },
      { type: 'image' as const, image: Buffer.from(world.picture, 'base64') },
    ],
  },
];

const features: Readonly<Record<string, () => Promise<unknown>>> = {
  async chat() {
    const { text, finishReason } = await generateText({
      model: provider(models.writer),
      prompt: 'hello',
      ...once,
    });
    return { text, finish: finishReason };
  },
  async images() {
    const model = provider(models.describer);
    return (await generateText({ model, messages: aboutPicture, temperature: 0, ...once })).text;
  },
  async usage_in_stream() {
    const model = provider(models.describer);
    const { textStream, usage } = streamText({ model, messages: aboutPicture, temperature: 0, ...once });
    const pieces: string[] = [];
    for await (const piece of textStream) pieces.push(piece);
    return { pieces: pieces.length, text: pieces.join(''), usage: (await usage).outputTokens };
  },
  async tools() {
    const { description, parameters } = world.weather_tool.function;
    const inputSchema = jsonSchema<Record<string, unknown>>(parameters);
    const tools: ToolSet = { get_weather: tool({ description, inputSchema }) };
    const request = { model: provider(models.writer), prompt: 'the weather?', tools, ...once };
    return (await generateText(request)).toolCalls.map(({ toolName, input }) => ({ toolName, input }));
  },
  async json_schema() {
    const output = Output.object({ schema: jsonSchema(world.place_schema) });
    const request = { model: provider(models.writer), prompt: 'where?', output, ...once };
    return (await generateText(request)).output;
  },
  async embeddings() {
    const model = provider.embeddingModel(models.writer);
    const { embeddings } = await embedMany({ model, values: ['a', 'b'], ...once });
    return embeddings.map((vector) => vector.length);
  },
  async completion() {
    const model = provider.completionModel(models.writer);
    const request = { model, prompt: 'a b', maxOutputTokens: 4, ...once };
    const pieces: string[] = [];
    for await (const piece of streamText(request).textStream) pieces.push(piece);
    return { whole: (await generateText(request)).text, pieces };
  },
  async errors() {
    const refused = generateText({ model: provider('no-such-model'), prompt: 'hi', ...once });
    const error: unknown = await refused.catch((thrown: unknown) => thrown);
    if (!APICallError.isInstance(error)) throw error;
    return { status: error.statusCode, message: error.message, isRetryable: error.isRetryable };
  },
  async nice() {
    const model = providerOf({ nice: 'true' })(models.writer);
    return (await generateText({ model, prompt: 'hi', ...once })).finishReason;
  },
};

/** Asks a model whose worker is away, as often as the client tries on its own. */
async function comeAgain(): Promise<unknown> {
  const model = provider(models.latecomer);
  return { text: (await generateText({ model, prompt: 'hi', maxRetries: 20 })).text };
}

async function tellAll(): Promise<unknown> {
  const told: Record<string, unknown> = {};
  for (const [name, feature] of Object.entries(features)) {
    told[name] = await feature().catch((error: unknown) => ({ failed: String(error) }));
  }
  return told;
}

process.stdout.write(JSON.stringify(await (process.argv[2] === 'come-again' ? comeAgain() : tellAll())));
