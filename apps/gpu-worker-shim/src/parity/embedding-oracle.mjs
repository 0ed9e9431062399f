// Prints the vectors of texts by Hugging Face's own code, each computed alone.
// Usage: node embedding-oracle.mjs <url of transformers.js> <model folder> <pooling> <texts as a JSON array>
const [transformersUrl = '', folder = '', pooling = 'mean', texts = '[]'] = process.argv.slice(2);
const { env, pipeline } = await import(transformersUrl);
env.allowRemoteModels = false;
env.fetch = () => {
  throw new Error('Nothing is to be fetched.');
};
const extract = await pipeline('feature-extraction', folder, { device: 'cpu', dtype: 'fp32' });
const vectors = [];
for (const text of JSON.parse(texts)) {
  const output = await extract(text, { pooling, normalize: true });
  vectors.push(output.tolist()[0]);
}
process.stdout.write(JSON.stringify(vectors));
