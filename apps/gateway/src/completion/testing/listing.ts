import type { ModelListing } from '@fovea/model-registry';
import { type Model, type ModelPackage, modelPackageSchema } from '@fovea/schemas/model-package';

/** A model as the registry lists it: luminous-type, with pictures, unless told otherwise. */
export function listingOf(
  generatorType: ModelPackage['generatorType'] = 'luminous',
  more: Partial<Model> = {},
  capabilities: Partial<ModelPackage['capabilities']> = {},
): ModelListing {
  const modelPackage = modelPackageSchema.parse({
    checkpoint: 'c',
    version: 7,
    tags: [],
    generatorType,
    models: [
      {
        name: 'm',
        description: '',
        multimodalEnabled: true,
        chat: false,
        completion: true,
        maximumCompletionTokens: null,
        aligned: false,
        promptTemplate: '',
        modelCard: null,
        ...more,
      },
    ],
    extensions: ['min_p', 'min_tokens'],
    capabilities,
    waitForWorkerS: 0,
    maxModelLen: 512,
  });
  const [model] = modelPackage.models;
  if (model === undefined) throw new Error('a package without models');
  return { model, package: modelPackage, status: 'available' };
}

/** What an action throws. */
export function refusalOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was refused');
}
