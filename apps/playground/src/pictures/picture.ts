/** A picture that the user has added. */
export interface Picture {
  readonly id: number;
  readonly name: string;
  readonly file: Blob;
  /** Of what its first bytes say. */
  readonly mediaType: string;
  /** Pixels, upright. */
  readonly width: number;
  readonly height: number;
  /** Address of the file within this page; freed when nothing shows it any more. */
  readonly url: string;
}
