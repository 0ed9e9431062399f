import { describe, expect, it } from '@jest/globals';
import { toolCallChunkSchema } from './chat-chunk.js';
import { ToolCallReader } from './tool-call-reader.js';

interface Assembled {
  id: string | undefined;
  name: string | undefined;
  arguments: string;
}

/** The calls a client puts together from the pieces, as OpenAI's libraries do; and the pieces themselves. */
function assemble(...deltas: readonly (readonly object[])[]): Assembled[] {
  const reader = new ToolCallReader();
  const pieces = deltas.flatMap((delta) =>
    reader.read(delta.map((chunk) => toolCallChunkSchema.parse(chunk))),
  );
  const { pieces: last, isComplete } = reader.end();
  expect(isComplete).toBe(true);
  const calls: Assembled[] = [];
  for (const piece of [...pieces, ...last]) {
    const known = calls[piece.call];
    if (known === undefined) {
      // The first piece of a call is the one that names it.
      expect(piece.call).toBe(calls.length);
      expect(piece.id).toEqual(expect.any(String));
      expect(piece.name).toEqual(expect.any(String));
      calls.push({ id: piece.id, name: piece.name, arguments: piece.arguments });
    } else {
      expect([piece.id, piece.name]).toEqual([undefined, undefined]);
      known.arguments += piece.arguments;
    }
  }
  return calls;
}

const whole = (index: number | undefined, id: string | undefined, name: string, text: unknown): object => ({
  index,
  id,
  type: 'function',
  function: { name, arguments: text },
});
const more = (index: number | undefined, text: string, rest: object = {}): object => ({
  index,
  function: { arguments: text },
  ...rest,
});

describe('ToolCallReader puts together', () => {
  const call = { id: 'chatcmpl-tool-1', name: 'look', arguments: '{"at":"sky"}' };

  it.each<[string, object[][], Assembled[]]>([
    [
      'vLLM’s pieces: id and name first, then arguments',
      [[whole(0, call.id, 'look', '')], [more(0, '{"at":')], [more(0, '"sky"}')]],
      [call],
    ],
    ['a first piece with arguments', [[whole(0, call.id, 'look', '{"at":')], [more(0, '"sky"}')]], [call]],
    ['a whole call in one delta', [[whole(0, call.id, 'look', '{"at":"sky"}')]], [call]],
    ['arguments that are an object', [[whole(0, call.id, 'look', { at: 'sky' })]], [call]],
    [
      'pieces without an index',
      [[whole(undefined, call.id, 'look', '')], [more(undefined, '{"at":"sky"}')]],
      [call],
    ],
    [
      'an id that is repeated',
      [[whole(0, call.id, 'look', '')], [more(0, '{"at":"sky"}', { id: call.id })]],
      [call],
    ],
    [
      'an id that is new with each piece',
      [[whole(0, call.id, 'look', '')], [more(0, '{"at":"sky"}', { id: 'other' })]],
      [call],
    ],
    [
      'an empty id on later pieces',
      [[whole(0, call.id, 'look', '')], [more(0, '{"at":"sky"}', { id: '' })]],
      [call],
    ],
    [
      'a name that is repeated',
      [[whole(0, call.id, 'look', '{"at":')], [whole(0, undefined, 'look', '"sky"}')]],
      [call],
    ],
    [
      'an id before the name',
      [[{ index: 0, id: call.id }], [whole(0, undefined, 'look', '')], [more(0, '{"at":"sky"}')]],
      [call],
    ],
    [
      'arguments before the name',
      [[more(0, '{"at":', { id: call.id })], [whole(0, undefined, 'look', '"sky"}')]],
      [call],
    ],
    [
      'a Mistral id',
      [[whole(0, 'aB3dE6gH9', 'look', '{}')]],
      [{ id: 'aB3dE6gH9', name: 'look', arguments: '{}' }],
    ],
    [
      'a Kimi id',
      [[whole(0, 'functions.look:0', 'look', '{}')]],
      [{ id: 'functions.look:0', name: 'look', arguments: '{}' }],
    ],
    [
      'nulls',
      [
        [whole(0, call.id, 'look', null)],
        [{ index: 0, id: null, function: null }],
        [more(0, '{"at":"sky"}', { function: { name: null, arguments: '{"at":"sky"}' } })],
      ],
      [call],
    ],
    ['a call without arguments', [[whole(0, call.id, 'look', '')]], [{ ...call, arguments: '{}' }]],
    [
      'two calls, one after the other',
      [[whole(0, 'a', 'f', '{')], [more(0, '}')], [whole(1, 'b', 'g', '')], [more(1, '{}')]],
      [
        { id: 'a', name: 'f', arguments: '{}' },
        { id: 'b', name: 'g', arguments: '{}' },
      ],
    ],
    [
      'two calls in one delta',
      [[whole(0, 'a', 'f', '{}'), whole(1, 'b', 'g', '{}')]],
      [
        { id: 'a', name: 'f', arguments: '{}' },
        { id: 'b', name: 'g', arguments: '{}' },
      ],
    ],
    [
      'two calls whose pieces take turns',
      [[whole(0, 'a', 'f', '{')], [whole(1, 'b', 'g', '{')], [more(0, '}')], [more(1, '}')]],
      [
        { id: 'a', name: 'f', arguments: '{}' },
        { id: 'b', name: 'g', arguments: '{}' },
      ],
    ],
    [
      'whole calls that are all counted as 0',
      [[whole(0, 'a', 'f', '{}')], [whole(0, 'b', 'f', '{}')]],
      [
        { id: 'a', name: 'f', arguments: '{}' },
        { id: 'b', name: 'f', arguments: '{}' },
      ],
    ],
    [
      'whole calls without an index',
      [[whole(undefined, 'a', 'f', '{}'), whole(undefined, 'b', 'f', '{}')]],
      [
        { id: 'a', name: 'f', arguments: '{}' },
        { id: 'b', name: 'f', arguments: '{}' },
      ],
    ],
    [
      'indexes that start at 1',
      [[whole(1, 'a', 'f', '{}')], [whole(2, 'b', 'g', '{}')]],
      [
        { id: 'a', name: 'f', arguments: '{}' },
        { id: 'b', name: 'g', arguments: '{}' },
      ],
    ],
  ])('%s', (_name, deltas, expected) => {
    expect(assemble(...deltas)).toEqual(expected);
  });

  it('calls without an id, and gives each one of its own', () => {
    const calls = assemble(
      [whole(undefined, undefined, 'f', '{}')],
      [whole(undefined, undefined, 'f', '{}')],
    );
    expect(calls.map(({ name }) => name)).toEqual(['f', 'f']);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
  });

  it('nothing out of a call that never gets a name', () => {
    const reader = new ToolCallReader();
    expect(reader.read([{ index: 0, id: 'a', function: { arguments: '{' } }])).toEqual([]);
    expect(reader.end()).toEqual({ pieces: [], isComplete: false });
  });
});
