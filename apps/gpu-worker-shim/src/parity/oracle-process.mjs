// Answers one question per line with Hugging Face's own code, one request at a time: the only way it is exact.
// Usage: node oracle-process.mjs <url of transformers.js> <model folder>
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

const [transformersUrl = '', folder = ''] = process.argv.slice(2);
const {
  env,
  AutoModelForCausalLM,
  AutoModelForImageTextToText,
  AutoProcessor,
  AutoTokenizer,
  RawImage,
  Tensor,
} = await import(transformersUrl);
env.allowRemoteModels = false;
env.fetch = () => {
  throw new Error('Nothing is to be fetched.');
};

const tokenizer = await AutoTokenizer.from_pretrained(folder);
const isMultimodal = tokenizer.get_vocab().has('<image>');
const processor = isMultimodal ? await AutoProcessor.from_pretrained(folder) : undefined;
const kind = isMultimodal ? AutoModelForImageTextToText : AutoModelForCausalLM;
const config = JSON.parse(await readFile(`${folder}/config.json`, 'utf8'));
const model = await kind.from_pretrained(folder, {
  device: 'cpu',
  dtype: config['transformers.js_config'].dtype,
});

const rawImage = ({ width, height, rgb }) =>
  new RawImage(new Uint8ClampedArray(Buffer.from(rgb, 'base64')), width, height, 3);

const floats = (base64) => {
  const bytes = Buffer.from(base64, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
};

async function inputsOf({ messages, images, doImageSplitting, pixelValues }) {
  if (!isMultimodal) {
    return tokenizer.apply_chat_template(messages, { add_generation_prompt: true, return_dict: true });
  }
  const text = processor.apply_chat_template(messages, { add_generation_prompt: true });
  if (images.length === 0) return tokenizer(text);
  const inputs = await processor(text, images.map(rawImage), { do_image_splitting: doImageSplitting });
  if (pixelValues === undefined) return inputs;
  const { dims } = inputs.pixel_values;
  return { ...inputs, pixel_values: new Tensor('float32', floats(pixelValues), dims) };
}

const answers = {
  async generate(question) {
    const inputs = await inputsOf(question);
    const output = await model.generate({ ...inputs, max_new_tokens: question.maxTokens, do_sample: false });
    const ids = output.tolist()[0].map(Number);
    const promptLength = inputs.input_ids.dims[1];
    return { promptIds: ids.slice(0, promptLength), tokenIds: ids.slice(promptLength) };
  },
  /** What one pass over token ids says of each token behind the first, and what a greedy answer goes on with. */
  async complete({ ids, maxTokens }) {
    const tensor = (values) =>
      new Tensor('int64', BigInt64Array.from(values.map(BigInt)), [1, values.length]);
    const inputs = { input_ids: tensor(ids), attention_mask: tensor(ids.map(() => 1)) };
    const { logits } = await model(inputs);
    const vocabulary = logits.dims[2];
    const logprobs = ids.slice(1).map((id, at) => {
      const row = logits.data.subarray(at * vocabulary, (at + 1) * vocabulary);
      const highest = row.reduce((best, logit) => Math.max(best, logit), -Infinity);
      const total = row.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
      return row[id] - highest - Math.log(total);
    });
    const output = await model.generate({ ...inputs, max_new_tokens: maxTokens, do_sample: false });
    return { logprobs, tokenIds: output.tolist()[0].map(Number).slice(ids.length) };
  },
  async process({ image, doImageSplitting }) {
    const {
      pixel_values: pixels,
      rows,
      cols,
    } = await processor.image_processor([rawImage(image)], {
      do_image_splitting: doImageSplitting,
      return_row_col_info: true,
    });
    const data = Buffer.from(pixels.data.buffer, pixels.data.byteOffset, pixels.data.byteLength);
    return { rows: rows[0][0], columns: cols[0][0], dims: pixels.dims, pixelValues: data.toString('base64') };
  },
};

const write = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
write({ answer: { isMultimodal } });
for await (const line of createInterface({ input: process.stdin })) {
  const { ask, ...question } = JSON.parse(line);
  try {
    write({ answer: await answers[ask](question) });
  } catch (error) {
    write({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
