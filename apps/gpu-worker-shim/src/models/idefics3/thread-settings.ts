import type { Idefics3Image, Idefics3Normalisation } from '@fovea/image-preprocessing';
import type { PromptFiles } from '../language/serve-prompts.js';

export interface PromptThreadSettings extends PromptFiles {
  readonly imageTokenId: number;
  readonly tokensPerTile: number;
}

export interface VisionThreadSettings {
  readonly visionFile: string;
  readonly executionProviders: readonly string[];
  readonly threads: number;
  readonly tileEdge: number;
  readonly tokensPerTile: number;
  readonly normalisation: Idefics3Normalisation;
}

export interface VisionThreadFacts {
  /** Floats of one embedding. */
  readonly hiddenSize: number;
}

/** Images of one request, in the order of their parts. */
export interface VisionRequest {
  readonly images: readonly Idefics3Image[];
}
