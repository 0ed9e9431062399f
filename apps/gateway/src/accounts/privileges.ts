import { FoveaError } from '@fovea/errors';
import type { ModelRegistry } from '@fovea/model-registry';
import { MAX_PERMISSIONS, type PermissionWire } from '@fovea/schemas/http';

/**
 * Those of the permissions that any key has: to execute jobs, and access to every registered model, named by itself or all
 * together. What is not known here is granted to nobody. Throws `INVALID_REQUEST` when asked about too many.
 */
export async function grantedPermissions(
  asked: readonly PermissionWire[],
  models: Pick<ModelRegistry, 'list'>,
): Promise<PermissionWire[]> {
  if (asked.length > MAX_PERMISSIONS) throw tooMany(asked.length);
  const known = new Set((await models.list()).map(({ model }) => model.name));
  return asked.filter((wanted) => {
    const permission = typeof wanted === 'string' ? wanted : wanted.permission;
    if (permission === 'ExecuteJobs') return true;
    if (permission !== 'AccessModel') return false;
    const model = typeof wanted === 'string' ? undefined : wanted.model;
    return model === undefined || model === null || (typeof model === 'string' && known.has(model));
  });
}

const tooMany = (actual: number): FoveaError =>
  new FoveaError('INVALID_REQUEST', {
    message: `Expected at most ${MAX_PERMISSIONS} permissions.`,
    limit: { name: 'max_permissions', value: MAX_PERMISSIONS, actual },
  });
