import { OnnxGraph } from '../onnx/onnx-graph.js';
import { WhisperLayers } from './whisper-layers.js';
import type { WhisperSizes } from './whisper-sizes.js';

const MASKED = -1e9;

/** Names of the cache of one layer, without what stands before. */
const cacheNames = (layer: number): string[] =>
  ['decoder.key', 'decoder.value', 'encoder.key', 'encoder.value'].map((part) => `${layer}.${part}`);

const cacheShape = ({ heads, hiddenSize }: WhisperSizes, length: string) => [
  'batch_size',
  heads,
  length,
  hiddenSize / heads,
];
const pastLength = (name: string) =>
  name.includes('decoder') ? 'past_decoder_sequence_length' : 'encoder_sequence_length_out';

/** One branch: the first run makes keys and values of the sound, later ones are given them. */
function branch(outer: OnnxGraph, sizes: WhisperSizes, seed: number, isCached: boolean): OnnxGraph {
  const graph = new OnnxGraph(isCached ? 'with_past' : 'without_past');
  const layers = new WhisperLayers(graph, outer, sizes, seed);
  const { hiddenSize: hidden, vocabularySize, targetPositions } = sizes;
  const length = graph.add('Gather', [graph.add('Shape', ['input_ids']), graph.integer(1)]);
  const pastShape = graph.add('Shape', ['past_key_values.0.decoder.key']);
  const first = isCached ? graph.add('Gather', [pastShape, graph.integer(2)]) : graph.integer(0);
  const places = graph.add('Range', [first, graph.add('Add', [first, length]), graph.integer(1)]);
  const words = graph.add('Gather', [layers.table('words', [vocabularySize, hidden], 1), 'input_ids']);
  const spots = graph.add('Gather', [layers.table('positions', [targetPositions, hidden], 0.5), places]);
  let x = graph.add('Add', [words, spots]);
  const bias = isCached ? undefined : causalBias(graph, length);
  const presents: string[] = [];
  for (let at = 0; at < sizes.layers; at += 1) {
    const name = `decoder.${at}`;
    const [pastKey = '', pastValue = '', soundKey = '', soundValue = ''] = cacheNames(at).map(
      (part) => `past_key_values.${part}`,
    );
    const before = layers.layerNorm(`${name}.norm`, x);
    const grown = (past: string, fresh: string) =>
      isCached ? graph.add('Concat', [past, fresh], { attributes: { axis: 2 } }) : fresh;
    const key = grown(pastKey, layers.heads(`${name}.key`, before));
    const value = grown(pastValue, layers.heads(`${name}.value`, before));
    const own = layers.attend(name, layers.heads(`${name}.query`, before), key, value, bias);
    const middle = graph.add('Add', [x, own]);
    const heard = (past: string, part: string) =>
      isCached
        ? graph.add('Identity', [past])
        : layers.heads(`${name}.sound.${part}`, 'encoder_hidden_states');
    const [heardKey, heardValue] = [heard(soundKey, 'key'), heard(soundValue, 'value')];
    const asked = layers.heads(`${name}.sound.query`, layers.layerNorm(`${name}.sound.norm`, middle));
    const listened = graph.add('Add', [middle, layers.attend(`${name}.sound`, asked, heardKey, heardValue)]);
    x = layers.feedForward(`${name}.mlp`, listened);
    presents.push(key, value, heardKey, heardValue);
  }
  const logits = layers.linear('head', layers.layerNorm('decoder.norm', x), hidden, vocabularySize, 3);
  graph.output(logits, 'float32', ['batch_size', 'sequence', vocabularySize]);
  for (const present of presents) graph.output(present, 'float32', cacheShape(sizes, `${present}_length`));
  return graph;
}

/** `[length, length]`: no token sees a later one. */
function causalBias(graph: OnnxGraph, length: string): string {
  const side = graph.add('Unsqueeze', [length, graph.integers(0)]);
  const shape = graph.add('Concat', [side, side], { attributes: { axis: 0 } });
  const all = graph.add('Expand', [graph.float(MASKED), shape]);
  return graph.add('Trilu', [all, graph.integer(1)], { attributes: { upper: 1 } });
}

/** `decoder_model_merged.onnx` with random weights: one `If` over two branches, as Hugging Face's exports have it. */
export function whisperDecoderGraph(sizes: WhisperSizes, seed: number): OnnxGraph {
  const graph = new OnnxGraph('decoder_model_merged');
  graph.input('input_ids', 'int64', ['batch_size', 'decoder_sequence_length']);
  graph.input('encoder_hidden_states', 'float32', [
    'batch_size',
    'encoder_sequence_length',
    sizes.hiddenSize,
  ]);
  const names = Array.from({ length: sizes.layers }, (_, at) => cacheNames(at)).flat();
  for (const name of names) {
    graph.input(`past_key_values.${name}`, 'float32', cacheShape(sizes, pastLength(name)));
  }
  graph.input('use_cache_branch', 'bool', [1]);
  const outputs = ['logits', ...names.map((name) => `present.${name}`)];
  graph.add('If', ['use_cache_branch'], {
    outputs,
    attributes: {
      then_branch: branch(graph, sizes, seed, true),
      else_branch: branch(graph, sizes, seed, false),
    },
  });
  graph.output('logits', 'float32', ['batch_size', 'decoder_sequence_length', sizes.vocabularySize]);
  for (const name of names) {
    graph.output(`present.${name}`, 'float32', cacheShape(sizes, `${pastLength(name)}_next`));
  }
  return graph;
}
