import type { EmbeddingTypeWire } from '@fovea/schemas/http';
import type { Model } from '@fovea/schemas/model-package';

/** How the listings name what a model embeds for. */
export interface EmbeddingFacts {
  readonly type: EmbeddingTypeWire;
  /** `embedding_types` of `GET /models_available`. */
  readonly types: readonly string[];
}

/** Full and compressed, for comparing like with like and queries with documents. */
const SEMANTIC_TYPES = [
  'symmetric_128',
  'asymmetric_128_document',
  'asymmetric_128_query',
  'symmetric',
  'asymmetric_document',
  'asymmetric_query',
];

/** Models that embed are trained for meaning; layers and instructions are not offered. */
export const embeddingFacts = ({ embedding }: Model): EmbeddingFacts =>
  embedding ? { type: 'semantic', types: SEMANTIC_TYPES } : { type: 'none', types: [] };
