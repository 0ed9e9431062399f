// Prints what Hugging Face's own code makes of sound: features, and tokens with and without times.
// Usage: node whisper-oracle.mjs <url of transformers.js> <model folder>, samples as float32 on the standard input
import { buffer } from 'node:stream/consumers';

const [transformersUrl = '', folder = ''] = process.argv.slice(2);
const { env, AutoProcessor, WhisperForConditionalGeneration } = await import(transformersUrl);
env.allowRemoteModels = false;
env.fetch = () => {
  throw new Error('Nothing is to be fetched.');
};
const bytes = await buffer(process.stdin);
const samples = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const processor = await AutoProcessor.from_pretrained(folder);
const model = await WhisperForConditionalGeneration.from_pretrained(folder, { device: 'cpu', dtype: 'fp32' });
const inputs = await processor(samples);
const written = async (options, prompt) => {
  // What the context has room for. Without it, it would hear the same window again from the last time on.
  const room = model.config.max_target_positions - prompt;
  const output = await model.generate({ ...inputs, ...options, task: 'transcribe', max_new_tokens: room });
  return output.tolist()[0].map(Number).slice(prompt);
};
const plain = await written({ language: 'en' }, 4);
const timed = await written({ language: 'de', return_timestamps: true }, 3);
const text = processor.tokenizer.decode(plain, { skip_special_tokens: true });
const { data } = inputs.input_features;
const features = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
process.stdout.write(JSON.stringify({ features, text, timed }));
