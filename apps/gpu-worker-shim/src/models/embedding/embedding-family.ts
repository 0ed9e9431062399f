import { CallThread } from '../../engine/threads/call-thread.js';
import type { EmbeddingModel } from '../embedding-model.js';
import type { ModelFamily } from '../model-family.js';
import { BertEmbeddingModel } from './bert-embedding-model.js';
import { bertTypes, readEmbeddingFolder } from './folder/embedding-folder.js';
import type {
  EmbeddingStep,
  EmbeddingStepAnswer,
  EmbeddingThreadFacts,
  EmbeddingThreadSettings,
} from './thread/embedding-protocol.js';

/** BERT and its relatives as text encoders, in the layout of sentence-transformers' exports. */
export const embeddingFamily: ModelFamily<EmbeddingModel> = {
  modelTypes: bertTypes,
  async load(source, runtime) {
    const { graphFile, matryoshka, truncationSide, ...folder } = await readEmbeddingFolder(
      source.folder,
      runtime.dtypes,
    );
    const settings: EmbeddingThreadSettings = {
      ...folder,
      graphFile,
      folder: source.folder,
      executionProviders: runtime.executionProviders,
      threads: runtime.threads,
    };
    const { thread, facts } = await CallThread.start<
      EmbeddingStep,
      EmbeddingStepAnswer,
      EmbeddingThreadFacts
    >('models/embedding/thread/embedding-entry.js', settings);
    return new BertEmbeddingModel(
      {
        ...facts,
        id: source.name,
        maxModelLen: folder.maxModelLen,
        vocabularySize: folder.vocabularySize,
        matryoshka,
        truncationSide,
        maxRows: facts.isBatchInvariant ? runtime.maxRunning : 1,
        maxRunning: runtime.maxRunning,
        maxWaiting: runtime.maxWaiting,
      },
      thread,
    );
  },
};
