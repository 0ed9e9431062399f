/**
 * Bounds on a JSON schema that a client sends. An engine turns a schema into a grammar before it generates, and
 * counted repetitions are unrolled there, so a short schema can cost minutes and gigabytes (CVE-2025-48944 and
 * others like it).
 */
export const schemaLimits = {
  /** Of its JSON text. */
  bytes: 64 * 1024,
  /** Nesting of lists and objects. */
  depth: 32,
  /** Lists, objects and values together. */
  nodes: 10_000,
  patternChars: 512,
  /** `{n,m}` in a pattern; `minItems`, `maxLength` and the like. */
  repetitions: 10_000,
} as const;
