import { ProtobufMessage } from './protobuf-message.js';
import { type ElementType, elementTypes, floatWeight, int64Weight, type Weight } from './weight.js';

/** A number is an integer attribute; one with a fraction says so by `{ float }`. A graph is a branch of `If`. */
export type Attribute = number | readonly number[] | string | { readonly float: number } | OnnxGraph;

export interface NodeOptions {
  /** Left out: one, whose name is made up. */
  readonly outputs?: readonly string[];
  /** `com.microsoft` for ONNX Runtime's own operators. */
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** Where the bytes of weights from this size on are: in the `.onnx` file itself, or in a file beside it. */
export interface ExternalData {
  readonly location: string;
  readonly fromBytes: number;
}

const OPSET = 17;
const IR_VERSION = 8;
const attributeTypes = { float: 1, integer: 2, text: 3, graph: 5, integers: 7 };

/**
 * A graph under construction, as `onnx.proto` has it (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). Nodes are
 * added in the order they run; every method that makes a value returns its name.
 */
export class OnnxGraph {
  readonly weights = new Map<string, Weight>();
  private readonly nodes: ProtobufMessage[] = [];
  private readonly inputs: ProtobufMessage[] = [];
  private readonly outputs: ProtobufMessage[] = [];

  /** Names of made-up values begin with `name`: branches of one model need different ones. */
  constructor(readonly name: string) {}

  weight(name: string, weight: Weight): string {
    this.weights.set(name, weight);
    return name;
  }

  /** A vector of integers; the same values give the same constant. */
  integers(...values: number[]): string {
    return this.weight(`${this.name}_int_${values.join('_')}`, int64Weight(values));
  }

  /** A number without axes; the same value gives the same constant. */
  integer(value: number): string {
    return this.weight(`${this.name}_int_scalar_${value}`, int64Weight([value], []));
  }

  float(value: number): string {
    return this.weight(`${this.name}_float_${value}`, floatWeight([value], []));
  }

  /** Adds a node and returns its first output. An empty string stands for an optional input that is left out. */
  add(operator: string, inputs: readonly string[], options: NodeOptions = {}): string {
    const outputs = options.outputs ?? [`${this.name}_${operator}_${this.nodes.length}`];
    const node = new ProtobufMessage();
    for (const input of inputs) node.text(1, input);
    for (const output of outputs) node.text(2, output);
    node.text(3, outputs[0] ?? '').text(4, operator);
    for (const [name, value] of Object.entries(options.attributes ?? {}))
      node.message(5, attribute(name, value));
    if (options.domain !== undefined) node.text(7, options.domain);
    this.nodes.push(node);
    return outputs[0] ?? '';
  }

  /** Strings in a shape are symbols. */
  input(name: string, type: ElementType, shape: readonly (number | string)[]): string {
    this.inputs.push(valueInfo(name, type, shape));
    return name;
  }

  /** The value must have been made under that name. */
  output(name: string, type: ElementType, shape: readonly (number | string)[]): void {
    this.outputs.push(valueInfo(name, type, shape));
  }

  toMessage(external?: ExternalData): ProtobufMessage {
    const graph = new ProtobufMessage();
    for (const node of this.nodes) graph.message(1, node);
    graph.text(2, this.name);
    let offset = 0;
    for (const [name, weight] of this.weights) {
      const size = weight.data instanceof Uint8Array ? weight.data.length : weight.data.size;
      const isOutside = external !== undefined && size >= external.fromBytes;
      graph.message(5, tensor(name, weight, isOutside ? { ...external, offset, size } : undefined));
      if (isOutside) offset += size;
    }
    for (const input of this.inputs) graph.message(11, input);
    for (const output of this.outputs) graph.message(12, output);
    return graph;
  }

  /** The model around this graph: what an `.onnx` file holds. */
  toModel(external?: ExternalData): ProtobufMessage {
    const model = new ProtobufMessage().integer(1, IR_VERSION).text(2, 'fovea-testing');
    model.message(7, this.toMessage(external));
    model.message(8, new ProtobufMessage().text(1, '').integer(2, OPSET));
    return model.message(8, new ProtobufMessage().text(1, 'com.microsoft').integer(2, 1));
  }
}

function attribute(name: string, value: Attribute): ProtobufMessage {
  const message = new ProtobufMessage().text(1, name);
  if (typeof value === 'number') return message.integer(3, value).integer(20, attributeTypes.integer);
  if (typeof value === 'string') return message.text(4, value).integer(20, attributeTypes.text);
  if (value instanceof OnnxGraph) {
    return message.message(6, value.toMessage()).integer(20, attributeTypes.graph);
  }
  if ('float' in value) return message.float(2, value.float).integer(20, attributeTypes.float);
  for (const one of value) message.integer(8, one);
  return message.integer(20, attributeTypes.integers);
}

function valueInfo(name: string, type: ElementType, shape: readonly (number | string)[]): ProtobufMessage {
  const dims = new ProtobufMessage();
  for (const size of shape) {
    const dim = new ProtobufMessage();
    dims.message(1, typeof size === 'number' ? dim.integer(1, size) : dim.text(2, size));
  }
  const tensorType = new ProtobufMessage().integer(1, elementTypes[type]).message(2, dims);
  return new ProtobufMessage().text(1, name).message(2, new ProtobufMessage().message(1, tensorType));
}

function tensor(
  name: string,
  { type, dims, data }: Weight,
  outside: { location: string; offset: number; size: number } | undefined,
): ProtobufMessage {
  const message = new ProtobufMessage();
  for (const size of dims) message.integer(1, size);
  message.integer(2, elementTypes[type]).text(8, name);
  if (outside === undefined) return message.bytes(9, data);
  const entries = { location: outside.location, offset: outside.offset, length: outside.size };
  for (const [key, value] of Object.entries(entries)) {
    message.message(13, new ProtobufMessage().text(1, key).text(2, `${value}`));
  }
  return message.integer(14, 1);
}
