import { variableRows } from '@fovea/config';
import { variables } from '@fovea/gateway/reference';
import { describe, expect, it } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { readDockerFile } from './installation.js';

const longestRequestS = Number(
  variableRows(variables).find(({ name }) => name === 'REQUEST_TIMEOUT_S')?.default,
);
/** How long the gateway keeps an idle connection (apps/gateway/src/http/http-server.ts). */
const gatewayIdleS = 72;

/** The first number behind a text, in seconds. */
const secondsAfter = (text: string, what: RegExp): number =>
  Number(new RegExp(`${what.source}(\\d+)`).exec(text)?.[1]);

describe('the files of docker/proxies', () => {
  it.each([
    ['nginx.conf', /proxy_read_timeout /],
    ['nginx.conf', /proxy_send_timeout /],
    ['haproxy.cfg', /timeout server /],
    ['haproxy.cfg', /timeout client /],
    ['traefik-dynamic.yml', /responseHeaderTimeout: /],
    ['ingress.yaml', /proxy-read-timeout: "/],
    ['ingress.yaml', /proxy-send-timeout: "/],
  ])('wait longer than the longest request: %s, %p', async (file, what) => {
    expect(secondsAfter(await readDockerFile(`proxies/${file}`), what)).toBeGreaterThan(longestRequestS);
  });

  it.each([
    ['nginx.conf', /keepalive_timeout /],
    ['Caddyfile', /keepalive /],
    ['traefik-dynamic.yml', /idleConnTimeout: /],
  ])('close idle connections before the gateway does: %s', async (file, what) => {
    expect(secondsAfter(await readDockerFile(`proxies/${file}`), what)).toBeLessThan(gatewayIdleS);
  });

  it.each(['traefik.yml', 'traefik-dynamic.yml', 'ingress.yaml'])('are YAML: %s', async (file) => {
    const [document, ...others] = parseAllDocuments(await readDockerFile(`proxies/${file}`), {
      strict: true,
    });
    expect(others).toEqual([]);
    expect(document?.errors).toEqual([]);
  });

  it('turn off buffering and limits of bodies in the ingress', async () => {
    const { annotations } = z
      .object({ metadata: z.object({ annotations: z.record(z.string(), z.string()) }) })
      .parse(parse(await readDockerFile('proxies/ingress.yaml'))).metadata;
    const own = 'nginx.ingress.kubernetes.io/';
    expect(annotations).toMatchObject({
      [`${own}proxy-body-size`]: '0',
      [`${own}proxy-request-buffering`]: 'off',
      [`${own}proxy-buffering`]: 'off',
      [`${own}proxy-http-version`]: '1.1',
    });
  });
});
