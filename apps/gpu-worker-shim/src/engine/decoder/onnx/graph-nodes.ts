import type { TensorFacts } from '../graph-facts.js';
import { bytesField, messagesOf, readFields, stringsOf, varintField } from './protobuf.js';

/** Field numbers of `onnx.proto3`. */
const MODEL_GRAPH = 7;
const MODEL_OPSET = 8;
const GRAPH_NODE = 1;
const GRAPH_INITIALIZER = 5;
const GRAPH_INPUT = 11;
const GRAPH_OUTPUT = 12;
const NODE = { input: 1, output: 2, name: 3, operator: 4, attribute: 5, domain: 7 } as const;
const ATTRIBUTE = { name: 1, integer: 3, integers: 8, type: 20 } as const;
const ATTRIBUTE_TYPE = { integer: 2, integers: 7 } as const;
const OPSET = { domain: 1, version: 2 } as const;
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9 } as const;

/** `TensorProto.DataType` */
export const dataTypes = { float32: 1, int64: 7, float16: 10 } as const;

/** Names of `TensorProto.DataType` as ONNX Runtime spells them; the others are shown by their number. */
const typeNames = new Map<number, string>(Object.entries(dataTypes).map(([name, number]) => [number, name]));

/** One operation of a graph, without its attributes. */
export interface GraphNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** What a model file says of its graph. */
export interface GraphOutline {
  /** Version of the standard operators. */
  readonly opset: number;
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly TensorFacts[];
  readonly outputs: readonly TensorFacts[];
}

/** A dimension is a number, or the name of a symbol; one that is not told is an empty name. */
function readDimension(dimension: Uint8Array): number | string {
  for (const { number, varint } of readFields(dimension)) {
    if (number === 1 && varint !== undefined) return Number(varint);
  }
  return stringsOf(dimension, 2)[0] ?? '';
}

function readValue(value: Uint8Array): TensorFacts {
  const [type = new Uint8Array()] = messagesOf(value, 2);
  const [tensorType = new Uint8Array()] = messagesOf(type, 1);
  const [shape = new Uint8Array()] = messagesOf(tensorType, 2);
  let elements = 0;
  for (const { number, varint } of readFields(tensorType)) if (number === 1) elements = Number(varint);
  return {
    name: stringsOf(value, 1)[0] ?? '',
    type: typeNames.get(elements) ?? `type ${elements}`,
    shape: messagesOf(shape, 1).map(readDimension),
  };
}

/** The standard operators have no domain, or an empty one. */
function readOpset(model: Uint8Array): number {
  const standard = messagesOf(model, MODEL_OPSET).find(
    (one) => (stringsOf(one, OPSET.domain)[0] ?? '') === '',
  );
  for (const { number, varint } of readFields(standard ?? new Uint8Array())) {
    if (number === OPSET.version && varint !== undefined) return Number(varint);
  }
  return 1;
}

/** Reads operations, inputs and outputs of a model file; weights are stepped over. Throws an `Error` when it is none. */
export function readGraph(model: Uint8Array): GraphOutline {
  const graphs = messagesOf(model, MODEL_GRAPH);
  if (graphs.length === 0) throw new Error('the file holds no graph');
  const all = (number: number) => graphs.flatMap((graph) => messagesOf(graph, number));
  return {
    opset: readOpset(model),
    nodes: all(GRAPH_NODE).map((node) => ({
      operator: stringsOf(node, NODE.operator)[0] ?? '',
      inputs: stringsOf(node, NODE.input),
      outputs: stringsOf(node, NODE.output),
    })),
    inputs: all(GRAPH_INPUT).map(readValue),
    outputs: all(GRAPH_OUTPUT).map(readValue),
  };
}

/**
 * Lets the node that makes `output` read its first input from elsewhere, in place. Both names have the same number of
 * bytes, so that no length in the file changes.
 */
export function rewireFirstInput(model: Uint8Array, output: string, to: string): void {
  const nodes = messagesOf(model, MODEL_GRAPH).flatMap((graph) => messagesOf(graph, GRAPH_NODE));
  const node = nodes.find((one) => stringsOf(one, NODE.output).includes(output));
  const name = node && messagesOf(node, NODE.input)[0];
  const bytes = new TextEncoder().encode(to);
  if (name?.length !== bytes.length) throw new Error(`the node of "${output}" cannot read "${to}"`);
  name.set(bytes);
}

export interface NewNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly output: string;
  /** Whole numbers that are not negative, and lists of them. */
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

/** What is added to a graph. */
export interface GraphAddition {
  readonly nodes: readonly NewNode[];
  /** Whole numbers, each alone. */
  readonly inputs?: readonly string[];
  readonly outputs: readonly { readonly name: string; readonly type: keyof typeof dataTypes }[];
  /** Vectors of whole numbers. */
  readonly constants: Readonly<Record<string, readonly number[]>>;
}

function encodeAttribute(name: string, value: number | readonly number[]): Uint8Array {
  const integers = typeof value === 'number' ? undefined : value;
  return bytesField(NODE.attribute, [
    bytesField(ATTRIBUTE.name, name),
    ...(integers ?? []).map((one) => varintField(ATTRIBUTE.integers, one)),
    ...(typeof value === 'number' ? [varintField(ATTRIBUTE.integer, value)] : []),
    varintField(ATTRIBUTE.type, integers === undefined ? ATTRIBUTE_TYPE.integer : ATTRIBUTE_TYPE.integers),
  ]);
}

function encodeNode({ operator, inputs, output, attributes = {} }: NewNode): Uint8Array {
  return bytesField(GRAPH_NODE, [
    ...inputs.map((name) => bytesField(NODE.input, name)),
    bytesField(NODE.output, output),
    bytesField(NODE.name, output),
    bytesField(NODE.operator, operator),
    ...Object.entries(attributes).map(([name, value]) => encodeAttribute(name, value)),
  ]);
}

function encodeConstant(name: string, values: readonly number[]): Uint8Array {
  const data = BigInt64Array.from(values, BigInt);
  return bytesField(GRAPH_INITIALIZER, [
    varintField(TENSOR.dims, values.length),
    varintField(TENSOR.dataType, dataTypes.int64),
    bytesField(TENSOR.name, name),
    bytesField(TENSOR.rawData, new Uint8Array(data.buffer)),
  ]);
}

/** A number alone is a tensor with no axis: its shape is there, and empty. */
function encodeInput(name: string): Uint8Array {
  const tensorType = bytesField(1, [varintField(1, dataTypes.int64), bytesField(2, '')]);
  return bytesField(GRAPH_INPUT, [bytesField(1, name), bytesField(2, tensorType)]);
}

function encodeOutput(name: string, type: keyof typeof dataTypes): Uint8Array {
  const tensorType = bytesField(1, varintField(1, dataTypes[type]));
  return bytesField(GRAPH_OUTPUT, [bytesField(1, name), bytesField(2, tensorType)]);
}

/**
 * The bytes that add to the graph when they stand behind a model file. A protobuf reader merges a message that comes
 * twice, and lists in it grow, so the file itself is neither parsed nor copied.
 */
export function encodeAddition({ nodes, inputs = [], outputs, constants }: GraphAddition): Uint8Array {
  return bytesField(MODEL_GRAPH, [
    ...nodes.map(encodeNode),
    ...Object.entries(constants).map(([name, values]) => encodeConstant(name, values)),
    ...inputs.map(encodeInput),
    ...outputs.map(({ name, type }) => encodeOutput(name, type)),
  ]);
}
