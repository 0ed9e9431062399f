import { z } from 'zod';

/** A claim check: where the bytes are and what they are. `name` is HMAC(tenant, digest), hex. */
export const blobRefSchema = z.object({
  name: z.string().regex(/^[0-9a-f]{64}$/),
  mediaType: z.string(),
  byteSize: z.number().int().nonnegative(),
  /** Pixels as the file's header says, for images. */
  width: z.number().int().positive().optional(),
  height: z.number().int().positive().optional(),
  /** Pictures in an animation; 1 for a still image. */
  frames: z.number().int().positive().optional(),
  /** EXIF orientation; absent means upright. Width and height are those before the rotation. */
  orientation: z.number().int().min(1).max(8).optional(),
  /** It may have transparent parts. */
  hasAlpha: z.boolean().optional(),
  /** Bits per channel, where they are more than 8. */
  bitDepth: z.number().int().positive().optional(),
  colourModel: z.literal('cmyk').optional(),
});
export type BlobRef = z.infer<typeof blobRefSchema>;
