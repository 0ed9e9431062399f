import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Checkout, childrenOf, until } from './fixtures/checkout.mjs';
import { startTimeOf } from './process-identity.mjs';

/** @param {...string} options */
const gateway = (...options) => ({ name: 'gateway', stage: 0, drainMs: 60_000, options });
/** @param {...string} options */
const adapter = (...options) => ({ name: 'adapter', stage: 1, drainMs: 60_000, options });
/** @param {...string} options */
const redis = (...options) => ({ name: 'redis', stage: 3, drainMs: 60_000, options });

const orderly = ['gateway', 'adapter', 'redis'].flatMap((name) => [`${name} stopping`, `${name} ended`]);

describe('superviseRun', () => {
  /** @type {Checkout} */
  let checkout;
  beforeEach(() => {
    checkout = new Checkout();
  });
  afterEach(() => checkout.clear());

  /** @param {Parameters<Checkout['launch']>} args */
  const launchAndWait = async (...args) => {
    const launcher = checkout.launch(...args);
    await until('all parts run', () => checkout.isRunning());
    return launcher;
  };
  const eventsAfterStart = () => checkout.events.filter((event) => !event.endsWith('started'));

  it('stops on SIGTERM, who asks before who answers, and leaves nothing', async () => {
    const launcher = await launchAndWait([redis(), adapter(), gateway()]);
    const [guard = 0] = childrenOf(launcher.pid).filter((pid) => !checkout.pids.includes(pid));
    expect(startTimeOf(guard)).toBeDefined();
    launcher.kill('SIGTERM');
    expect(await launcher.exitCode()).toBe(0);
    expect(eventsAfterStart()).toEqual(orderly);
    expect(checkout.isEmpty()).toBe(true);
    expect(startTimeOf(guard)).toBeUndefined();
  });

  it('lets the gateway finish what it runs before anything else is told to stop', async () => {
    const launcher = await launchAndWait([redis(), adapter(), gateway(`hold=${checkout.path('stream')}`)]);
    launcher.kill('SIGTERM');
    await until('the gateway drains', () => checkout.events.includes('gateway stopping'));
    expect(eventsAfterStart()).toEqual(['gateway stopping']);
    checkout.touch('stream');
    expect(await launcher.exitCode()).toBe(0);
    expect(eventsAfterStart()).toEqual(orderly);
  });

  it('takes the two signals of one Ctrl-C under npm for one', async () => {
    const launcher = await launchAndWait([redis(), adapter(), gateway(`hold=${checkout.path('stream')}`)]);
    launcher.kill('SIGINT');
    launcher.kill('SIGINT');
    await until('the gateway drains', () => checkout.events.includes('gateway stopping'));
    checkout.touch('stream');
    expect(await launcher.exitCode()).toBe(0);
    expect(eventsAfterStart()).toEqual(orderly);
  });

  it('ends everything at once on a second Ctrl-C', async () => {
    const launcher = await launchAndWait([redis('hold=/never'), gateway('hold=/never')]);
    launcher.kill('SIGINT');
    await until('the gateway drains', () => checkout.events.includes('gateway stopping'));
    const again = setInterval(() => launcher.kill('SIGINT'), 200);
    expect(await launcher.exitCode()).toBe(1);
    clearInterval(again);
    expect(checkout.isEmpty()).toBe(true);
    expect(checkout.output).toContain('gateway did not end in time and was killed');
  });

  it('kills a part that drains too long, with all that it has started', async () => {
    const launcher = await launchAndWait([{ ...gateway('hold=/never', 'grandchild'), drainMs: 50 }]);
    expect(checkout.pids).toHaveLength(2);
    launcher.kill('SIGTERM');
    expect(await launcher.exitCode()).toBe(0);
    await until('the grandchild is gone', () => checkout.isEmpty());
  });

  it('shows the last lines of a part that does not start, and stops the others', async () => {
    const launcher = checkout.launch([redis(), adapter(), gateway('die=cannot_open_the_door')]);
    expect(await launcher.exitCode()).toBe(1);
    expect(checkout.output).toMatch(/gateway ended.*\(exit code 7\)/);
    expect(checkout.output).toContain('    cannot_open_the_door\n');
    expect(checkout.output).toContain('.fovea/logs/gateway.log');
    expect(eventsAfterStart()).toEqual(orderly.slice(2));
    expect(checkout.isEmpty()).toBe(true);
  });

  it('stops everything when a part dies later', async () => {
    const launcher = await launchAndWait([redis(), adapter(`dieWhen=${checkout.path('fire')}`), gateway()]);
    checkout.touch('fire');
    expect(await launcher.exitCode()).toBe(1);
    expect(checkout.output).toContain('adapter ended (exit code 9)\n    the engine burned down\n');
    expect(eventsAfterStart()).toEqual([...orderly.slice(0, 2), ...orderly.slice(4)]);
  });

  it('goes on without a part that the others can do without', async () => {
    const spare = { ...adapter(`dieWhen=${checkout.path('fire')}`), isSpareable: true };
    const launcher = await launchAndWait([redis(), spare, gateway()]);
    checkout.touch('fire');
    await until('its end is told', () => checkout.output.includes('(exit code 9), the others go on'));
    expect(eventsAfterStart()).toEqual([]);
    launcher.kill('SIGTERM');
    expect(await launcher.exitCode()).toBe(0);
    expect(eventsAfterStart()).toEqual([...orderly.slice(0, 2), ...orderly.slice(4)]);
  });

  it('says it when a program cannot be started at all', async () => {
    const launcher = checkout.launch([redis(), { ...gateway(), command: '/nowhere/node' }]);
    expect(await launcher.exitCode()).toBe(1);
    expect(checkout.output).toContain('spawn /nowhere/node ENOENT');
    expect(eventsAfterStart()).toEqual(orderly.slice(4));
  });

  it('has the guard stop everything in order when the launcher is killed', async () => {
    const launcher = await launchAndWait([redis(), adapter('grandchild'), gateway()]);
    const [guard = 0] = childrenOf(launcher.pid).filter((pid) => !checkout.pids.includes(pid));
    launcher.kill('SIGKILL');
    await until('the parts are gone', () => checkout.isEmpty());
    await until('the guard is gone', () => startTimeOf(guard) === undefined);
    expect(eventsAfterStart()).toEqual(orderly);
  });

  it('stops when the guard is killed, for then nobody would clean up after a killed launcher', async () => {
    const launcher = await launchAndWait([redis(), gateway()]);
    const [guard = 0] = childrenOf(launcher.pid).filter((pid) => !checkout.pids.includes(pid));
    process.kill(guard, 'SIGKILL');
    expect(await launcher.exitCode()).toBe(1);
    expect(checkout.output).toContain('the guard process ended');
    expect(checkout.isEmpty()).toBe(true);
  });

  it('ends what launcher and guard left behind when both were killed, before it starts anew', async () => {
    const launcher = await launchAndWait([redis(), gateway()]);
    const [guard = 0] = childrenOf(launcher.pid).filter((pid) => !checkout.pids.includes(pid));
    process.kill(guard, 'SIGSTOP');
    launcher.kill('SIGKILL');
    await launcher.exitCode();
    process.kill(guard, 'SIGKILL');
    const left = checkout.pids;
    expect(left.every((pid) => startTimeOf(pid) !== undefined)).toBe(true);
    checkout.output = '';
    const next = await launchAndWait([adapter()]);
    expect(left.every((pid) => startTimeOf(pid) === undefined)).toBe(true);
    expect(checkout.events.indexOf('gateway ended')).toBeLessThan(checkout.events.indexOf('redis stopping'));
    expect(checkout.events.indexOf('redis ended')).toBeLessThan(checkout.events.indexOf('adapter started'));
    next.kill('SIGTERM');
    expect(await next.exitCode()).toBe(0);
  });

  it('stops when the process that started it is killed', async () => {
    const wrapped = await launchAndWait([redis(), gateway()], { wrapper: '$LAUNCH & wait' });
    wrapped.kill('SIGKILL');
    await until('the parts are gone', () => checkout.isEmpty());
    expect(eventsAfterStart()).toEqual([...orderly.slice(0, 2), ...orderly.slice(4)]);
  });

  it('refuses a second launcher in one checkout and lets another checkout run', async () => {
    const first = await launchAndWait([redis()]);
    const second = checkout.launch([redis()]);
    expect(await second.exitCode()).toBe(1);
    expect(checkout.output).toContain(`process ${first.pid} holds the lock`);

    const other = new Checkout();
    try {
      const elsewhere = other.launch([redis()]);
      await until('the other checkout runs', () => other.isRunning());
      expect(checkout.isEmpty()).toBe(false);
      elsewhere.kill('SIGTERM');
      expect(await elsewhere.exitCode()).toBe(0);
    } finally {
      await other.clear();
    }
    first.kill('SIGTERM');
    expect(await first.exitCode()).toBe(0);
  });
});
