export interface OcrThreadSettings {
  readonly detectionFile: string;
  readonly recognitionFile: string;
  readonly orientationFile: string;
  readonly charactersFile: string;
  readonly executionProviders: readonly string[];
  /** Threads inside one ONNX Runtime session. */
  readonly threads: number;
}

/**
 * One step of reading a picture: find its rows, read them one by one, forget it. The caller numbers the pictures and
 * must forget each of them, also after a failed or aborted `find`. Steps of several pictures may interleave, so that
 * a full page does not hold up a street sign.
 */
export type OcrStep =
  | { readonly step: 'find'; readonly picture: number; readonly file: Uint8Array; readonly path: string }
  | { readonly step: 'read'; readonly picture: number; readonly row: number }
  | { readonly step: 'forget'; readonly picture: number };

/** `find` tells how many rows of text there are, `read` what stands in one (nothing, if it was no text after all). */
export interface OcrStepAnswer {
  readonly rows: number;
  readonly text: string;
}
