/** Top-level keys that a schema does not know, for the header that names what was ignored. */
export function ignoredKeys(
  schema: { readonly shape: Readonly<Record<string, unknown>> },
  value: unknown,
): string[] {
  return Object.keys(value as Record<string, unknown>).filter((key) => !(key in schema.shape));
}
