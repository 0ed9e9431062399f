import type { Findings } from './finding.js';

const WARN_MS = 2_000;
const FAIL_MS = 30_000;

/** Deadlines travel as times of day, so hosts have to agree about it. */
export function judgeClock(findings: Findings, whose: string, skewMs: number): void {
  const offMs = Math.abs(skewMs);
  const text = `The clock of ${whose} is ${(offMs / 1_000).toFixed(1)} s ${skewMs > 0 ? 'ahead of' : 'behind'} this host’s.`;
  const fix = 'Run NTP on both: timedatectl set-ntp true';
  if (offMs < WARN_MS) findings.ok(`The clock of ${whose} agrees with this host’s.`);
  else if (offMs < FAIL_MS) findings.warn(text, fix);
  else findings.fail(`${text} Deadlines of requests go by it.`, fix);
}
