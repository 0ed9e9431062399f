/**
 * Has the running server write down held-out sentences, and prints how many words were wrong. Build before.
 *
 *     node evaluate.mjs FOLDER_OF_WAVS [MODEL_FOLDER]
 *
 * The folder is one of `say.py`'s: WAV files, and `said.json` with what each says and who says it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger } from '@fovea/observability';
import { startShim } from '../../../apps/gpu-worker-shim/dist/compose.js';
import { readShimConfig } from '../../../apps/gpu-worker-shim/dist/config/shim-variables.js';

const [sounds, folder = fileURLToPath(new URL('..', import.meta.url))] = process.argv.slice(2);
const said = JSON.parse(await readFile(join(sounds, 'said.json'), 'utf8'));
const config = readShimConfig({ SHIM_PORT: '0', SHIM_MODELS: `commands-asr=${folder}` });
const shim = await startShim(config, createLogger({ service: 'evaluate', level: 'warn' }), '0.0.0');

async function transcribe(file, format) {
  const form = new FormData();
  form.set('file', new Blob([await readFile(join(sounds, file))]), file);
  form.set('model', 'commands-asr');
  form.set('response_format', format);
  const response = await fetch(`${shim.address}/v1/audio/transcriptions`, { method: 'POST', body: form });
  if (!response.ok) throw new Error(`${file}: ${response.status} ${await response.text()}`);
  return response.json();
}

const wordsOf = (text) => text.split(' ').filter((word) => word !== '');

/** The fewest words to change, add and take away (Levenshtein). */
function wordErrors(said, heard) {
  let costs = Array.from({ length: heard.length + 1 }, (_, at) => at);
  for (const [row, word] of said.entries()) {
    const next = [row + 1];
    for (const [column, other] of heard.entries()) {
      next.push(Math.min(costs[column + 1] + 1, next[column] + 1, costs[column] + (word === other ? 0 : 1)));
    }
    costs = next;
  }
  return costs[heard.length];
}

const empty = () => ({ words: 0, errors: 0, sentences: 0, whole: 0, timedErrors: 0, offS: [] });
const tally = new Map();
for (const { file, text, voice, startS, endS } of said) {
  const heard = await transcribe(file, 'json');
  const timed = await transcribe(file, 'verbose_json');
  const errors = wordErrors(wordsOf(text), wordsOf(heard.text));
  if (errors > 0) console.log(`${file} ${voice}: "${text}" heard as "${heard.text.trim()}"`);
  for (const name of [voice, 'all']) {
    const cell = tally.get(name) ?? empty();
    tally.set(name, cell);
    cell.words += wordsOf(text).length;
    cell.errors += errors;
    cell.timedErrors += wordErrors(wordsOf(text), wordsOf(timed.text));
    cell.sentences += 1;
    cell.whole += errors === 0 ? 1 : 0;
    // eSpeak does not tell when it speaks.
    if (startS === undefined) continue;
    const segments = timed.segments ?? [];
    const start = segments[0]?.start ?? Number.POSITIVE_INFINITY;
    const end = segments.at(-1)?.end ?? Number.POSITIVE_INFINITY;
    cell.offS.push(Math.abs(start - startS), Math.abs(end - endS));
  }
}
await shim.close();

const share = (part, of) => `${part}/${of} (${((100 * part) / of).toFixed(1)} %)`;
const percentile = (values, at) => values.sort((a, b) => a - b)[Math.floor((values.length - 1) * at)];
console.log(
  '| voice | word errors | whole sentences | word errors with times | times off by, median and p90 |',
);
console.log('| --- | --- | --- | --- | --- |');
// The sum below the voices.
const rows = [...tally].sort(([one], [other]) => Number(one === 'all') - Number(other === 'all'));
for (const [name, { words, errors, sentences, whole, timedErrors, offS }] of rows) {
  const off =
    offS.length === 0 ? '' : `${percentile(offS, 0.5).toFixed(2)} s, ${percentile(offS, 0.9).toFixed(2)} s`;
  console.log(
    `| ${name} | ${share(errors, words)} | ${share(whole, sentences)} | ${share(timedErrors, words)} | ${off} |`,
  );
}
