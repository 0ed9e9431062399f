import { z } from 'zod';
import { modelSettingsSchema, parseAnswer } from '../../api/answers.js';
import { isLoopback } from '../../connection.js';
import { askHttp } from '../ask-http.js';
import { judgeClock } from '../clock.js';
import type { Examination } from '../examination.js';
import { type Finding, Findings } from '../finding.js';

const healthSchema = z.object({ status: z.literal('ok') });
const readinessSchema = z.object({ ready: z.boolean(), checks: z.record(z.string(), z.string()) });
const DEFAULT_OPS_PORT = 8081;

async function checkModels(
  { connection, terminal, gatewayUrl }: Examination,
  findings: Findings,
): Promise<void> {
  if (connection === undefined) {
    findings.warn(
      'There is no key to ask it with.',
      'Set FOVEA_API_KEY or FOVEA_API_KEY_FILE, or give --key.',
    );
    return;
  }
  const answer = await askHttp(`${gatewayUrl}/v1/model-settings`, connection.key, terminal.signal);
  if (answer.status === 401)
    findings.fail('It refuses the key.', 'Set FOVEA_API_KEY to one of GATEWAY_API_KEYS.');
  else if (answer.status === 503)
    findings.fail('It does not reach Redis.', 'Look at REDIS_URL of the gateway and at its log.');
  else if (answer.status !== 200) {
    findings.fail(`It does not list its models (${answer.status ?? answer.reason}).`, 'Look at its log.');
  } else {
    const models = parseAnswer(modelSettingsSchema, answer.body) ?? [];
    const available = models.filter(({ status }) => status === 'available').map(({ name }) => name);
    const text = `It takes the key and serves ${available.join(', ') || 'no model'}.`;
    if (available.length > 0) findings.ok(text);
    else findings.warn(text, 'Start a worker-adapter; fovea models ls lists what is known.');
  }
}

/** Only where the ops port can be reached from here; most deployments keep it to themselves. */
async function checkReadiness(
  { deployment, gatewayUrl, terminal }: Examination,
  findings: Findings,
): Promise<void> {
  const port = await deployment.number('GATEWAY_OPS_PORT', DEFAULT_OPS_PORT);
  const answer = await askHttp(
    `http://${new URL(gatewayUrl).hostname}:${port}/health/ready`,
    undefined,
    terminal.signal,
  );
  const readiness = answer.status === undefined ? undefined : parseAnswer(readinessSchema, answer.body);
  if (readiness === undefined) return;
  if (readiness.ready) return findings.ok('It says that it is ready.');
  const checks = Object.entries(readiness.checks).map(([name, state]) => `${name}: ${state}`);
  findings.fail(
    `It says that it is not ready (${checks.join(', ')}).`,
    'Mend what it names; look at its log.',
  );
}

/** The gateway as its clients see it. */
export async function checkGateway(examination: Examination): Promise<Finding[]> {
  const findings = new Findings('gateway');
  const { gatewayUrl, terminal } = examination;
  const answer = await askHttp(`${gatewayUrl}/health`, undefined, terminal.signal);
  if (answer.status === undefined) {
    findings.fail(
      `No gateway answers at ${gatewayUrl} (${answer.reason}).`,
      'npm start, or --url <address> of one that runs',
    );
    return findings.list;
  }
  if (answer.status !== 200 || parseAnswer(healthSchema, answer.body) === undefined) {
    findings.fail(
      `What answers at ${gatewayUrl} is no gateway (status ${answer.status}).`,
      'Another program has the port? GATEWAY_PORT=8090 npm start, or --url <address>',
    );
    return findings.list;
  }
  findings.ok(`It answers at ${gatewayUrl}.`);
  if (answer.clockSkewMs !== undefined && !isLoopback(gatewayUrl))
    judgeClock(findings, 'the gateway', answer.clockSkewMs);
  await checkReadiness(examination, findings);
  await checkModels(examination, findings);
  return findings.list;
}
