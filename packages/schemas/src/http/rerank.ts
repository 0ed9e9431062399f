import { z } from 'zod';
import { usageWireSchema } from './chat-response.js';

/** Documents of one request. */
export const MAX_RERANK_DOCUMENTS = 2048;

export const rerankRequestSchema = z
  .object({
    model: z.string().min(1).max(256).meta({ description: 'A name of `GET /models`.' }),
    query: z.string().min(1).max(8192).meta({ description: 'What the documents should fit.' }),
    documents: z.array(z.string()).min(1).max(MAX_RERANK_DOCUMENTS).meta({ description: 'Texts.' }),
    top_n: z
      .number()
      .int()
      .min(1)
      .optional()
      .meta({ description: 'How many results are given; all by default.' }),
    hosting: z.string().nullish().meta({ description: 'Accepted, without effect.' }),
    tags: z.array(z.string()).nullish().meta({ description: 'Accepted, without effect.' }),
  })
  .meta({ id: 'RerankRequest' });
export type RerankRequestWire = z.infer<typeof rerankRequestSchema>;

export const rerankAnswerSchema = z
  .object({
    results: z
      .array(z.object({ index: z.number().int(), relevance_score: z.number() }))
      .meta({ description: 'The best first.' }),
    usage: usageWireSchema,
  })
  .meta({ id: 'RerankAnswer' });
export type RerankAnswerWire = z.infer<typeof rerankAnswerSchema>;
