import type { Idefics3Image, Idefics3Normalisation } from '@fovea/image-preprocessing';

export interface PromptThreadSettings {
  readonly tokenizerFile: string;
  readonly tokenizerConfigFile: string;
  readonly chatTemplate: string;
  readonly imageTokenId: number;
  readonly tokensPerTile: number;
}

export interface PromptThreadFacts {
  /** No token stands for more bytes, so longer text than context × this cannot fit. */
  readonly longestTokenBytes: number;
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
