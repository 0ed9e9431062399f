import { describe, expect, it } from '@jest/globals';
import { openApiDocument } from './document.js';

const document = openApiDocument();

function* references(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const item of value) yield* references(item);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (key === '$ref' && typeof item === 'string') yield item;
      else yield* references(item);
    }
  }
}

describe('the OpenAPI document', () => {
  it('points only at components that exist and hold a schema', () => {
    const components = document.components as { schemas: Record<string, unknown> };
    const found = [...references(document)];
    expect(found.length).toBeGreaterThan(20);
    for (const reference of found) {
      const name = reference.replace('#/components/schemas/', '');
      expect(components.schemas[name]).toBeDefined();
      expect(components.schemas[name]).not.toHaveProperty('$ref', reference);
    }
  });

  it('describes the chat request by the schema that parses it', () => {
    const components = document.components as {
      schemas: { ChatRequest: { required: string[]; properties: Record<string, unknown> } };
    };
    expect(components.schemas.ChatRequest.required).toEqual(['model', 'messages']);
    expect(Object.keys(components.schemas.ChatRequest.properties)).toContain('maximum_tokens');
  });
});
