import { type ImageFamily, imageProcessorSchema } from '@fovea/schemas/model-package';
import { z } from 'zod';

const toSnakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const toCamelCase = (name: string): string =>
  name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** A family's numbers as keys of a TOML table, all optional. */
function tableOf({ shape }: (typeof imageProcessorSchema.options)[number]): z.ZodObject {
  const numbers = Object.entries(shape as Record<string, z.ZodType>).filter(([name]) => name !== 'family');
  const keys = numbers.map(([name, schema]) => [toSnakeCase(name), schema.optional()] as const);
  const known = keys.map(([key]) => key).join(', ');
  return z.strictObject(
    { family: shape.family, ...Object.fromEntries(keys) },
    {
      error: (issue) =>
        issue.code === 'unrecognized_keys' ? `no ${issue.keys.join(', ')}, only ${known}` : undefined,
    },
  );
}

const [first, ...others] = imageProcessorSchema.options.map(tableOf);
const families = imageProcessorSchema.options.flatMap(({ shape: { family } }) =>
  'options' in family ? family.options : [...family.values],
);

/** `[generator.image_processor]`: a family, and numbers that differ from those of the model's files. */
export const imageProcessorTableSchema = z.discriminatedUnion('family', [first!, ...others], {
  error: `a table whose family is one of ${families.join(', ')}`,
});

/** What a worker file says of the image processor; the rest comes from the model's files or its family. */
export type ImageProcessorSettings = { readonly family: ImageFamily } & Readonly<Record<string, unknown>>;

export function toImageProcessorSettings(
  table: z.infer<typeof imageProcessorTableSchema>,
): ImageProcessorSettings {
  const entries = Object.entries(table).map(([key, value]) => [toCamelCase(key), value]);
  return Object.fromEntries(entries) as ImageProcessorSettings;
}
