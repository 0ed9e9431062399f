import { OnnxGraph } from '../onnx/onnx-graph.js';
import { WhisperLayers } from './whisper-layers.js';
import type { WhisperSizes } from './whisper-sizes.js';

/** `encoder_model.onnx` with random weights: two convolutions, then layers that look both ways. */
export function whisperEncoderGraph(sizes: WhisperSizes, seed: number): OnnxGraph {
  const graph = new OnnxGraph('encoder_model');
  const layers = new WhisperLayers(graph, graph, sizes, seed);
  const { hiddenSize: hidden, melBins, frames } = sizes;
  graph.input('input_features', 'float32', ['batch_size', melBins, frames]);
  const convolve = (name: string, x: string, from: number, stride: number) => {
    const kernel = layers.table(name, [hidden, from, 3], 1 / Math.sqrt(3 * from));
    const attributes = { kernel_shape: [3], pads: [1, 1], strides: [stride] };
    return layers.gelu(graph.add('Conv', [x, kernel], { attributes }));
  };
  const cells = convolve('conv2', convolve('conv1', 'input_features', melBins, 1), hidden, 2);
  const rows = graph.add('Transpose', [cells], { attributes: { perm: [0, 2, 1] } });
  let x = graph.add('Add', [rows, layers.table('encoder.positions', [frames / 2, hidden], 0.3)]);
  for (let at = 0; at < sizes.layers; at += 1) {
    const name = `encoder.${at}`;
    const before = layers.layerNorm(`${name}.norm`, x);
    const [query = '', key = '', value = ''] = ['query', 'key', 'value'].map((part) =>
      layers.heads(`${name}.${part}`, before),
    );
    const middle = graph.add('Add', [x, layers.attend(name, query, key, value)]);
    x = layers.feedForward(`${name}.mlp`, middle);
  }
  graph.add('Identity', [layers.layerNorm('encoder.norm', x)], { outputs: ['last_hidden_state'] });
  graph.output('last_hidden_state', 'float32', ['batch_size', frames / 2, hidden]);
  return graph;
}
