import { existsSync } from 'node:fs';
import type { Requirement } from './requirement.js';

/** `npm test` puts it here, see tools/launcher/install/transformers-js.mjs. */
const folder = new URL('../../../.fovea/transformers-js/', import.meta.url);

/** The module to import. */
export const transformersJsUrl = new URL(
  'node_modules/@huggingface/transformers/dist/transformers.node.mjs',
  folder,
).href;

/** Hugging Face's runtime of ONNX models for Node, as something to compare with. */
export const transformersJs: Requirement = {
  name: 'transformers.js',
  missing: () =>
    // Written last, so an installation that broke off does not count.
    existsSync(new URL('installed.txt', folder))
      ? undefined
      : 'npm test makes .fovea/transformers-js where npm reaches a registry',
};

/**
 * Requests that most parity tests compare: few enough for every run of `npm test`, unless `FOVEA_PARITY_REQUESTS` says
 * more.
 */
export const parityRequests = Number(process.env.FOVEA_PARITY_REQUESTS ?? 20);
