import type { LaneState } from '@fovea/job-queue';
import type { LaneKind } from '@fovea/schemas/jobs';
import { laneKindSchema } from '@fovea/schemas/jobs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Terminal, write } from '../terminal/terminal.js';
import { drain } from './drain.js';
import { lanesJson, lanesTable, seeLanes } from './list-lanes.js';
import { lanesOf, withLanes } from './with-lanes.js';

interface LaneOptions {
  readonly lane?: LaneKind;
}

interface DrainCommandOptions extends LaneOptions {
  readonly cancel?: true;
  readonly timeout?: number;
}

const laneOption = (): Option =>
  new Option('--lane <kind>', 'only this lane of the checkpoint').choices(laneKindSchema.options);

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1e7)) throw new InvalidArgumentError('It must be a number of seconds above 0.');
  return value;
}

function listQueuesCommand(terminal: Terminal): Command {
  return new Command('ls')
    .description(
      'List the lanes: checkpoint, lane, state, jobs that wait and run, age of the oldest that waits.',
    )
    .option('--json', 'print a JSON array')
    .action(async (options: { json?: true }) => {
      const lanes = await withLanes(terminal, seeLanes);
      const text = options.json ? `${JSON.stringify(lanesJson(lanes))}\n` : lanesTable(lanes);
      await write(terminal.stdout, text, terminal.signal);
    });
}

function stateCommand(name: string, state: LaneState, description: string, terminal: Terminal): Command {
  return new Command(name)
    .description(description)
    .argument('<checkpoint>', 'as `fovea queues ls` lists it')
    .addOption(laneOption())
    .action(async (checkpoint: string, options: LaneOptions) => {
      const kinds = await withLanes(terminal, async (control) => {
        const lanes = await lanesOf(control, checkpoint, options.lane);
        for (const lane of lanes) await control.setState(lane, state);
        return lanes.map(({ kind }) => kind);
      });
      terminal.stderr.write(`${checkpoint}: ${kinds.join(', ')} ${state}.\n`);
    });
}

function drainCommand(terminal: Terminal): Command {
  return new Command('drain')
    .description('Refuse new requests and wait until those that wait and run have ended.')
    .argument('<checkpoint>', 'as `fovea queues ls` lists it')
    .addOption(laneOption())
    .option('--cancel', 'end what waits with MODEL_UNAVAILABLE; only what runs is waited for')
    .option('--timeout <s>', 'give up waiting after so many seconds', seconds)
    .addHelpText(
      'after',
      '\nGateways answer new requests with 503 MODEL_UNAVAILABLE, and so end with --cancel those that wait, within five\n' +
        'seconds. The lanes stay so, also after Ctrl-C: `fovea queues resume` opens them again.\n',
    )
    .action((checkpoint: string, options: DrainCommandOptions) => runDrain(checkpoint, options, terminal));
}

async function runDrain(checkpoint: string, options: DrainCommandOptions, terminal: Terminal): Promise<void> {
  const again = `\`fovea queues resume ${checkpoint}\` opens it again.`;
  const timeoutMs = options.timeout === undefined ? undefined : options.timeout * 1_000;
  const state = options.cancel ? 'closed' : 'draining';
  try {
    await withLanes(terminal, async (control) => {
      const lanes = await lanesOf(control, checkpoint, options.lane);
      await drain(control, lanes, { state, timeoutMs }, terminal);
    });
  } catch (error) {
    if (terminal.signal.aborted) terminal.stderr.write(`${checkpoint} goes on refusing requests; ${again}\n`);
    throw error;
  }
  terminal.stderr.write(`${checkpoint} is empty and refuses requests; ${again}\n`);
}

/** `fovea queues`: what an operator does to the lanes, in Redis itself. */
export function queuesCommand(terminal: Terminal): Command {
  const pause =
    'Let workers take nothing new; what runs goes on, and requests are accepted up to their limits.';
  const resume = 'Open lanes that were paused or drained.';
  return new Command('queues')
    .description(
      'Look at the lanes of requests that wait, and stop or drain them. Talks to Redis, not to a gateway.',
    )
    .addCommand(listQueuesCommand(terminal))
    .addCommand(stateCommand('pause', 'paused', pause, terminal))
    .addCommand(stateCommand('resume', 'open', resume, terminal))
    .addCommand(drainCommand(terminal))
    .addHelpText(
      'after',
      '\nEnvironment: REDIS_URL or REDIS_URL_FILE, as gateway and workers have it. Inside a checkout where `npm start`\n' +
        'runs, its own Redis is found. States are kept in Redis: they outlive restarts of everything else.\n',
    );
}
