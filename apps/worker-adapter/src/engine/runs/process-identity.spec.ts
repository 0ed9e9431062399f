import { describe, expect, it } from '@jest/globals';
import { ProcessIdentity } from './process-identity.js';

describe('ProcessIdentity', () => {
  it('knows another process by its start, also when its counters are higher', () => {
    const identity = new ProcessIdentity();
    expect(identity.read({ startedAtS: 1, generatedTokens: 5 })).toBe(false);
    expect(identity.read({ startedAtS: 2, generatedTokens: 9 })).toBe(true);
    expect(identity.read({ startedAtS: 2, generatedTokens: 9 })).toBe(false);
  });

  it('knows it by counters that fell back', () => {
    const identity = new ProcessIdentity();
    identity.read({ generatedTokens: 5, promptTokens: 5 });
    expect(identity.read({ generatedTokens: 6, promptTokens: 5 })).toBe(false);
    expect(identity.read({ generatedTokens: 7, promptTokens: 4 })).toBe(true);
  });

  it('knows nothing without figures, and keeps what it knew', () => {
    const identity = new ProcessIdentity();
    expect(identity.read({})).toBe(false);
    expect(identity.hasFigures).toBe(false);
    identity.read({ generatedTokens: 5 });
    expect(identity.read({})).toBe(false);
    expect(identity.read({ generatedTokens: 4 })).toBe(true);
  });

  it('remembers when', () => {
    const identity = new ProcessIdentity();
    const before = performance.now() - 1;
    identity.read({ generatedTokens: 5 });
    expect(identity.hasChangedSince(before)).toBe(false);
    identity.read({ generatedTokens: 0 });
    expect(identity.hasChangedSince(before)).toBe(true);
    expect(identity.hasChangedSince(performance.now() + 1)).toBe(false);
  });
});
