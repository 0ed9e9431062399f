/**
 * The objects of a store, below its prefix:
 *
 *     salt                                key material of the names
 *     data/<generation>                   bytes, never changed
 *     names/<name>/at.<generation>        "the bytes of this blob are in data/<generation>"; empty
 *     names/<name>/going.<generation>.<removal>   "I am about to remove that generation"; empty, see `generations.ts`
 *     names/<name>/used                   its date is the last use; empty
 *     refs/<name>/<owner>[.<until>]       a reference, and until when (ms since 1970) where it says so; empty
 *     owners/<owner>/<name>[.<until>]     the same by owner, so that a release need not look at all blobs; empty
 *     probe/<uuid>                        written and removed by `check`
 *
 * Why bytes and names are apart: a name is known only after the last byte. Uploading to a temporary key and copying
 * to the name would write every byte twice on most servers, and spooling to a disk first would begin to upload only when
 * the client has finished. Here every byte goes over the wire once, while it arrives, and is never copied; a
 * reader pays one listing of a short prefix. What fits into one part isn't even sent when it is stored already.
 */
export interface Reference {
  readonly name: string;
  readonly ownerKey: string;
  /** In the key, because S3 dates objects itself. */
  readonly untilMs: number | undefined;
}

const suffix = (untilMs: number | undefined): string => (untilMs === undefined ? '' : `.${untilMs}`);

export const keys = {
  salt: 'salt',
  probe: (id: string) => `probe/${id}`,
  allData: 'data/',
  data: (generation: string) => `data/${generation}`,
  allNames: 'names/',
  record: (name: string) => `names/${name}/`,
  pointers: (name: string) => `names/${name}/at.`,
  pointer: (name: string, generation: string) => `names/${name}/at.${generation}`,
  marker: (name: string, generation: string, removal: string) =>
    `names/${name}/going.${generation}.${removal}`,
  used: (name: string) => `names/${name}/used`,
  allReferences: 'refs/',
  references: (name: string) => `refs/${name}/`,
  reference: ({ name, ownerKey, untilMs }: Reference) => `refs/${name}/${ownerKey}${suffix(untilMs)}`,
  allOwners: 'owners/',
  owned: (ownerKey: string) => `owners/${ownerKey}/`,
  ownedBlob: ({ name, ownerKey, untilMs }: Reference) => `owners/${ownerKey}/${name}${suffix(untilMs)}`,
};

/** The last part of a key. */
export const lastOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);

/** `<folder>/<a>/<b>[.<until>]` in its parts. */
export function partsOf(key: string): { first: string; second: string; untilMs: number | undefined } {
  const [, first = '', last = ''] = key.split('/');
  const [second = '', until] = last.split('.');
  return { first, second, untilMs: until === undefined ? undefined : Number(until) };
}
