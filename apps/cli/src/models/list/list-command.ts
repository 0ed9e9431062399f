import { Command } from 'commander';
import {
  type ModelCard,
  type ModelSettings,
  modelCardsSchema,
  modelSettingsSchema,
} from '../../api/answers.js';
import { openGateway } from '../../api/open-gateway.js';
import { table } from '../../terminal/table.js';
import { type Terminal, write } from '../../terminal/terminal.js';

interface ListedModel {
  readonly name: string;
  readonly checkpoint: string | null;
  readonly version: number | null;
  readonly status: string;
  readonly capabilities: readonly string[];
  /** In tokens. */
  readonly context: number | null;
}

function capabilitiesOf(model: ModelSettings): string[] {
  const capabilities = {
    chat: model.chat,
    complete: model.completion_type === 'full',
    image: model.multimodal,
    transcribe: model.worker_type === 'transcription',
    embed: model.embedding_task?.supported === true,
    rerank: model.rerank_task?.supported === true,
  };
  return Object.entries(capabilities).flatMap(([name, isOffered]) => (isOffered ? [name] : []));
}

/** Joins the gateway's two listings: one tells what a model can do, the other whose it is. */
function toListed(settings: readonly ModelSettings[], cards: readonly ModelCard[]): ListedModel[] {
  const byName = new Map(cards.map((card) => [card.id, card]));
  return settings.map((model) => ({
    name: model.name,
    checkpoint: byName.get(model.name)?.checkpoint ?? null,
    version: byName.get(model.name)?.version ?? null,
    status: model.status,
    capabilities: capabilitiesOf(model),
    context: model.max_context_size ?? null,
  }));
}

const toRow = (model: ListedModel): string[] => [
  model.name,
  model.checkpoint ?? '-',
  `${model.version ?? '-'}`,
  model.status,
  model.capabilities.join(',') || '-',
  `${model.context ?? '-'}`,
];

/** `fovea models ls`. */
export function listCommand(terminal: Terminal): Command {
  return new Command('ls')
    .description('List the models: name, checkpoint, version, status, capabilities, context in tokens.')
    .option('--json', 'print a JSON array')
    .action(async (options: { json?: true }, command: Command) => {
      const gateway = await openGateway(command, terminal);
      const [settings, { data }] = await Promise.all([
        gateway.json(modelSettingsSchema, 'GET', '/v1/model-settings'),
        gateway.json(modelCardsSchema, 'GET', '/v1/models'),
      ]);
      const models = toListed(settings, data);
      const heading = ['NAME', 'CHECKPOINT', 'VERSION', 'STATUS', 'CAPABILITIES', 'CONTEXT'];
      const text = options.json ? `${JSON.stringify(models)}\n` : table([heading, ...models.map(toRow)]);
      await write(terminal.stdout, text, terminal.signal);
    });
}
