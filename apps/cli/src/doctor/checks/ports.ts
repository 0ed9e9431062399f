import { connect } from 'node:net';
import { askHttp } from '../ask-http.js';
import type { Examination } from '../examination.js';
import { type Finding, Findings } from '../finding.js';

const TIMEOUT_MS = 2_000;

const programs = [
  { name: 'gateway', variable: 'GATEWAY_PORT', port: 8080, path: '/health' },
  { name: 'gateway ops', variable: 'GATEWAY_OPS_PORT', port: 8081, path: '/health/live' },
  { name: 'worker-adapter ops', variable: 'ADAPTER_OPS_PORT', port: 4000, path: '/health/live' },
  { name: 'shim', variable: 'SHIM_PORT', port: 8000, path: '/health' },
] as const;

/** Whether anybody listens there on this host. */
function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (taken: boolean): void => {
      socket.destroy();
      resolve(taken);
    };
    socket.setTimeout(TIMEOUT_MS, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

/** Ports of this host that our programs want and that another program has. */
export async function checkPorts({ deployment, terminal: { signal } }: Examination): Promise<Finding[]> {
  const findings = new Findings('ports');
  const looks = programs.map(async ({ name, variable, port: byDefault, path }) => {
    const port = await deployment.number(variable, byDefault);
    if (port === 0 || !(await isTaken(port))) return `${port} free`;
    const answer = await askHttp(`http://127.0.0.1:${port}${path}`, undefined, signal);
    const tls =
      answer.status === undefined
        ? await askHttp(`https://127.0.0.1:${port}${path}`, undefined, signal)
        : answer;
    // A gateway with TLS answers with a certificate that nobody here knows: that is one of ours as likely as not.
    if (
      answer.status === 200 ||
      tls.status === 200 ||
      (tls.status === undefined && /CERT|ALTNAME/.test(tls.reason))
    ) {
      return `${port} ${name}`;
    }
    findings.warn(
      `Port ${port} (${name}) is taken by another program.`,
      `End it, or choose another: ${variable}=<port>`,
    );
    return undefined;
  });
  const states = (await Promise.all(looks)).filter((state) => state !== undefined);
  if (states.length > 0) findings.ok(`${states.join(', ')}.`);
  return findings.list;
}
