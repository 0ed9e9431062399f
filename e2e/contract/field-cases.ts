import { expect } from '@jest/globals';
import type { System } from '../support/system.js';

/** A route with a body that it answers with 200, and what each of its fields must not be. */
export interface FieldTable {
  readonly route: string;
  readonly valid: Readonly<Record<string, unknown>>;
  /** Errors are `{"error":{…}}` or flat. */
  readonly dialect: 'openai' | 'pharia';
  /** Values that are taken, by field; the limits themselves are among them. */
  readonly taken: Readonly<Record<string, readonly unknown[]>>;
  /** Values that are refused, by field, with the path that the answer names where it is a deeper one. */
  readonly refused: Readonly<Record<string, readonly (readonly [unknown, string?])[]>>;
  /** Fields that must be there. */
  readonly required: readonly string[];
  /** Of a route that nobody serves: the code of a request that is right. */
  readonly otherwise?: string;
}

export type FieldCase = readonly [
  name: string,
  table: FieldTable,
  body: unknown,
  refusedAt: string | undefined,
];

const show = (value: unknown): string => (JSON.stringify(value) ?? 'absent').slice(0, 60);

/** Every case of the tables, for `it.each`. */
export const fieldCases = (tables: readonly FieldTable[]): FieldCase[] =>
  tables.flatMap((table) => {
    const { route, valid, taken, refused, required } = table;
    const one = (name: string, changes: object, at: string | undefined): FieldCase => [
      `${route}: ${name}`,
      table,
      { ...valid, ...changes },
      at,
    ];
    return [
      ...Object.entries(taken).flatMap(([field, values]) =>
        values.map((value) => one(`takes ${field} = ${show(value)}`, { [field]: value }, undefined)),
      ),
      ...Object.entries(refused).flatMap(([field, values]) =>
        values.map(([value, path = field]) =>
          one(`refuses ${field} = ${show(value)}`, { [field]: value }, path),
        ),
      ),
      ...required.flatMap((field) => [
        one(`needs ${field}`, { [field]: undefined }, field),
        one(`takes no null for ${field}`, { [field]: null }, field),
      ]),
    ];
  });

interface ErrorBody {
  readonly code?: string;
  readonly param?: string;
  readonly error?: string | { readonly param?: string | null; readonly code?: string };
}

/** Sends one case and judges the answer: its status, its code, the field that it names, its dialect. */
export async function judgeCase(system: System, [, table, body, refusedAt]: FieldCase): Promise<void> {
  const answer = await system.fetch(`/v1${table.route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (refusedAt === undefined && table.otherwise === undefined) {
    expect([answer.status, answer.status === 200 ? '' : text]).toEqual([200, '']);
    return;
  }
  const found = JSON.parse(text) as ErrorBody;
  const inner = typeof found.error === 'object' ? found.error : undefined;
  expect(inner === undefined ? 'pharia' : 'openai').toBe(table.dialect);
  const code = refusedAt === undefined ? table.otherwise : 'INVALID_REQUEST';
  const param = inner === undefined ? found.param : inner.param;
  expect({
    status: answer.status,
    code: found.code,
    param: refusedAt === undefined ? undefined : param,
  }).toEqual({
    status: 400,
    code,
    param: refusedAt,
  });
}
