import { type ModelSettings, modelSettingsSchema } from '../api/answers.js';
import type { Gateway } from '../api/gateway.js';
import { exitCodes, Failure } from '../failure.js';

/** The first available model, in the gateway's order, that chats and, if need be, takes pictures. */
export async function chooseModel(gateway: Gateway, withPictures: boolean): Promise<string> {
  const models: ModelSettings[] = await gateway.json(modelSettingsSchema, 'GET', '/v1/model-settings');
  const fitting = models.filter((model) => model.chat && (model.multimodal || !withPictures));
  const chosen = fitting.find((model) => model.status === 'available');
  if (chosen !== undefined) return chosen.name;
  const task = withPictures ? 'answers questions about pictures' : 'chats';
  const why =
    fitting.length === 0
      ? `The gateway has no model that ${task}.`
      : `No model that ${task} has a worker at the moment.`;
  throw new Failure(exitCodes.refused, `${why} \`fovea models ls\` lists what there is.`);
}
