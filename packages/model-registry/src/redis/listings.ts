import { encodeName } from '@fovea/redis';
import type { ModelPackage } from '@fovea/schemas/model-package';
import type { ModelListing } from '../index.js';
import { parseStoredPackage } from './package-content.js';

/** What the fields of all versions of a checkpoint begin with. */
export const checkpointFields = (checkpoint: string): string => `${encodeName(checkpoint)}:`;

/** Hash field of a package, and the beginning of its workers' presence members. */
export const packageField = (modelPackage: Pick<ModelPackage, 'checkpoint' | 'version'>): string =>
  `${checkpointFields(modelPackage.checkpoint)}${modelPackage.version}`;

export const presenceMember = (modelPackage: ModelPackage, workerId: string): string =>
  `${packageField(modelPackage)}:${encodeName(workerId)}`;

const fieldOfMember = (member: string): string => member.slice(0, member.lastIndexOf(':'));

const DIGEST_CHARACTERS = 64;

/**
 * Every model by name, with the newest package that offers it. It is available while some package that offers it,
 * new or old, has a worker: during a rollout both serve.
 */
export function toListings(
  stored: readonly string[],
  presentMembers: readonly string[],
): ReadonlyMap<string, ModelListing> {
  const present = new Set(presentMembers.map(fieldOfMember));
  const packages = stored
    .map((value) => parseStoredPackage(value.slice(DIGEST_CHARACTERS)))
    .filter((modelPackage) => modelPackage !== undefined)
    .sort((left, right) => left.version - right.version);
  const listings = new Map<string, ModelListing>();
  for (const modelPackage of packages) {
    const isPresent = present.has(packageField(modelPackage));
    for (const model of modelPackage.models) {
      const wasAvailable = listings.get(model.name)?.status === 'available';
      const status = isPresent || wasAvailable ? 'available' : 'unavailable';
      listings.set(model.name, Object.freeze({ model, package: modelPackage, status }));
    }
  }
  return new Map([...listings].sort(([left], [right]) => (left < right ? -1 : 1)));
}
