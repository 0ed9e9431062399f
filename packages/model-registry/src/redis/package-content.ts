import { createHash } from 'node:crypto';
import { type ModelPackage, modelPackageSchema, modelSchema } from '@fovea/schemas/model-package';
import type { z } from 'zod';

/** JSON with sorted keys: equal content, equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)));
  });
}

const byText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** A package as it is stored. Lists whose order means nothing are sorted. */
export interface PackageContent {
  readonly json: string;
  /** SHA-256 of `json`, hex. */
  readonly digest: string;
}

/** Leaves out what stands at its default, so that a field that is added later changes no registered package. */
function withoutDefaults({ shape }: z.ZodObject, value: object): Record<string, unknown> {
  const fields = Object.entries(value).filter(([name, field]) => {
    const fallback = (shape as Record<string, z.ZodType>)[name]?.safeParse(undefined);
    return !fallback?.success || canonicalJson(fallback.data) !== canonicalJson(field);
  });
  return Object.fromEntries(fields);
}

export function contentOf(modelPackage: ModelPackage): PackageContent {
  const known = modelPackageSchema.parse(modelPackage);
  const json = canonicalJson({
    ...withoutDefaults(modelPackageSchema, known),
    tags: [...known.tags].sort(byText),
    extensions: [...known.extensions].sort(byText),
    models: [...known.models]
      .sort((left, right) => byText(left.name, right.name))
      .map((model) => withoutDefaults(modelSchema, model)),
  });
  return { json, digest: createHash('sha256').update(json).digest('hex') };
}

/** Undefined for what this version cannot read: a newer worker's package must not hide all others. */
export function parseStoredPackage(json: string): ModelPackage | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return modelPackageSchema.safeParse(value).data;
  } catch {
    return undefined;
  }
}

/** Top-level fields in which two stored packages differ, for the message of a conflict. */
export function differingFields(left: string, right: string): string[] {
  const [one, other] = [parseStoredPackage(left), parseStoredPackage(right)];
  if (one === undefined || other === undefined) return [];
  const fields = modelPackageSchema.keyof().options;
  return fields.filter((field) => canonicalJson(one[field]) !== canonicalJson(other[field]));
}
