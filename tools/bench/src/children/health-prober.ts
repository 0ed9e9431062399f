import { Agent, get } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { percentile } from '../statistics.js';

/**
 * Program: asks a URL every 5 ms between the parent's `begin` and `end`, and reports how long answers took and the
 * longest time without one.
 */
const INTERVAL_MS = 5;

const url = process.argv[2];
if (url === undefined) throw new Error('expected a URL');

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const ownDelay = monitorEventLoopDelay({ resolution: 1 });
ownDelay.enable();

function isAnswered(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    get(address, { agent }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
      response.once('error', () => resolve(false));
    }).once('error', () => resolve(false));
  });
}

let isAsking = false;
let answers = 0;
let worstGapMs = 0;
let timesMs: number[] = [];
let lastAnswerAtMs = 0;

/** A question that waits keeps those that were due behind it from being asked: they would have waited, too. */
function took(ms: number): void {
  for (let waitedMs = ms; waitedMs > 0; waitedMs -= INTERVAL_MS) timesMs.push(waitedMs);
}

function answered(): void {
  const nowMs = performance.now();
  if (answers > 0) worstGapMs = Math.max(worstGapMs, nowMs - lastAnswerAtMs);
  lastAnswerAtMs = nowMs;
  answers += 1;
  if (answers === 1) process.send?.('begun');
}

async function askOnAndOn(address: string): Promise<void> {
  while (isAsking) {
    const startedAtMs = performance.now();
    const isWell = await isAnswered(address);
    if (isWell && isAsking) {
      took(performance.now() - startedAtMs);
      answered();
    }
    await pause(Math.max(1, INTERVAL_MS - (performance.now() - startedAtMs)));
  }
}

process.on('message', (message) => {
  if (message === 'begin') {
    answers = 0;
    worstGapMs = 0;
    timesMs = [];
    isAsking = true;
    ownDelay.reset();
    askOnAndOn(url).catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exitCode = 1;
      process.disconnect();
    });
  }
  if (message !== 'end') return;
  isAsking = false;
  // A server that is still silent has been so since its last answer.
  worstGapMs = Math.max(worstGapMs, performance.now() - lastAnswerAtMs);
  process.send?.({
    worstGapMs,
    p99Ms: percentile(timesMs, 0.99),
    answers,
    ownWorstDelayMs: ownDelay.max / 1e6,
  });
});
process.once('disconnect', () => agent.destroy());
