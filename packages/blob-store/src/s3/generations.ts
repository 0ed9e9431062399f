import { randomUUID } from 'node:crypto';
import type { Bucket } from './bucket.js';
import { keys } from './layout.js';
import { type BlobRecord, readRecord } from './records.js';
import { isReferenced } from './references.js';

/**
 * How a blob comes and goes without locks, and why no referenced blob is ever lost. S3 is strongly consistent: a
 * request sees all that was written before it began. Nothing here needs conditional writes, which not every server has.
 *
 * A put does:      P1 write the reference, P2 list the record, P3 ask for the data of a generation without a marker. If
 *                  it is there, the put relies on it; else P4 it writes data and pointer of a generation of its own.
 * A removal does:  R1 list the record, R2 write a marker with a name of its own beside each generation, R3 look for
 *                  references; if there are any, R4 remove its markers, else R5 remove data, pointer and markers, in this order.
 *
 * Relying is safe: say a put relies on g, and a removal reaches R5 for g. Its marker was not in the listing P2. Was it
 * written later, then P1 < P2 < R2 < R3, and R3 saw the reference. Was it removed earlier, then by R5, after the
 * data: P3 found none. Own generations are safe as well: a removal lists them after P4, so after P1. A listing
 * need not be a snapshot for this, and any number of puts and removals may run at once, since none touches the marker of
 * another. One that dies after R2 leaves a marker: puts make another generation, and the next sweep cleans up. One that is
 * delayed after R3 gives up after a minute; markers that are older than that are dead.
 *
 * Equal bytes that arrive at once may become two generations. `mergeGenerations` removes the larger: it marks that one,
 * then looks for another without a marker, as a put does. Whoever relies on the removed one wrote its reference
 * before that look, so by the same argument the other one stays. Two mergers that mark both find none and give up.
 */
const MAX_REMOVAL_MS = 60_000;

/** Generations of a record that no removal has announced to remove. */
function unmarked(record: BlobRecord): string[] {
  const going = new Set(record.markers.map((marker) => marker.generation));
  return [...record.pointers.keys()].filter((generation) => !going.has(generation));
}

/** P2 and P3: a generation that a reference taken before this call keeps. */
export async function findGeneration(bucket: Bucket, name: string): Promise<string | undefined> {
  for (const generation of unmarked(await readRecord(bucket, name))) {
    if ((await bucket.sizeOf(keys.data(generation))) !== undefined) return generation;
  }
  return undefined;
}

/**
 * For a hold, which has no bytes of its own: a generation as above, else a copy of one that is announced to go, made before
 * it went. That copy is a put's own generation. False when the blob is not there.
 */
export async function keepGeneration(bucket: Bucket, name: string): Promise<boolean> {
  if ((await findGeneration(bucket, name)) !== undefined) return true;
  for (const going of (await readRecord(bucket, name)).pointers.keys()) {
    const generation = randomUUID();
    if (!(await bucket.copy(keys.data(going), keys.data(generation)))) continue;
    await point(bucket, name, generation);
    return true;
  }
  return false;
}

/** The second half of P4; the data are there. */
export const point = (bucket: Bucket, name: string, generation: string): Promise<void> =>
  bucket.put(keys.pointer(name, generation));

/** A removal under way. */
export interface Condemned {
  readonly record: BlobRecord;
  readonly generations: readonly string[];
  readonly markers: readonly string[];
  readonly sinceMs: number;
}

/** R2. */
export async function condemn(
  bucket: Bucket,
  record: BlobRecord,
  generations: readonly string[],
): Promise<Condemned> {
  const sinceMs = performance.now();
  const removal = randomUUID();
  const markers = generations.map((generation) => keys.marker(record.name, generation, removal));
  await Promise.all(markers.map((key) => bucket.put(key)));
  return { record, generations, markers, sinceMs };
}

async function removeAll(bucket: Bucket, objects: readonly string[]): Promise<void> {
  await Promise.all(objects.map((key) => bucket.remove(key)));
}

/** R4. */
const spare = (bucket: Bucket, { markers }: Condemned): Promise<void> => removeAll(bucket, markers);

/** R5. Bytes that were freed; undefined when it gave up. */
async function execute(bucket: Bucket, condemned: Condemned): Promise<number | undefined> {
  const { record, generations, sinceMs } = condemned;
  const data = generations.map(keys.data);
  const sizes = await Promise.all(data.map((key) => bucket.sizeOf(key)));
  if (performance.now() - sinceMs > MAX_REMOVAL_MS) {
    await spare(bucket, condemned);
    return undefined;
  }
  await removeAll(bucket, data);
  await removeAll(
    bucket,
    generations.map((generation) => keys.pointer(record.name, generation)),
  );
  const dead = record.markers.filter((marker) => generations.includes(marker.generation));
  await removeAll(bucket, [...dead.map((marker) => marker.key), ...condemned.markers]);
  return sizes.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
}

/** R3 to R5. Bytes that were freed; undefined when the blob stays. */
export async function settle(bucket: Bucket, condemned: Condemned): Promise<number | undefined> {
  const { name, hasUsedMark } = condemned.record;
  if (await isReferenced(bucket, name)) {
    await spare(bucket, condemned);
    return undefined;
  }
  const freed = await execute(bucket, condemned);
  if (freed !== undefined && hasUsedMark) await bucket.remove(keys.used(name));
  return freed;
}

/** R1 to R5, after a look at the references that spares the rest. Bytes freed; undefined when it stays or was not there. */
export async function removeUnreferenced(bucket: Bucket, name: string): Promise<number | undefined> {
  if (await isReferenced(bucket, name)) return undefined;
  const record = await readRecord(bucket, name);
  const { pointers, markers, hasUsedMark } = record;
  const generations = new Set([...pointers.keys(), ...markers.map((marker) => marker.generation)]);
  if (generations.size === 0 && !hasUsedMark) return undefined;
  const freed = await settle(bucket, await condemn(bucket, record, [...generations]));
  return pointers.size === 0 ? undefined : freed;
}

/** Leaves one generation of a blob. Bytes freed. */
export async function mergeGenerations(bucket: Bucket, name: string): Promise<number> {
  const record = await readRecord(bucket, name);
  const [, ...surplus] = unmarked(record).sort();
  let freed = 0;
  for (const generation of surplus) {
    const condemned = await condemn(bucket, record, [generation]);
    if ((await findGeneration(bucket, name)) === undefined) await spare(bucket, condemned);
    else freed += (await execute(bucket, condemned)) ?? 0;
  }
  return freed;
}
