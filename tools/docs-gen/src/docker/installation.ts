import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Variables } from '@fovea/config';
import { variables as gatewayVariables } from '@fovea/gateway/reference';
import { shimVariables } from '@fovea/gpu-worker-shim/reference';
import { readComposeFiles } from '@fovea/testing';
import { variables as adapterVariables } from '@fovea/worker-adapter/reference';
import { z } from 'zod';

export const root = fileURLToPath(new URL('../../../../', import.meta.url));
export const folder = join(root, 'docker');
export const readDockerFile = (file: string): Promise<string> => readFile(join(folder, file), 'utf8');

/** What the image of each program understands. */
export const variablesByApp: ReadonlyMap<string, Variables> = new Map<string, Variables>([
  ['gateway', gatewayVariables],
  ['worker-adapter', adapterVariables],
  ['gpu-worker-shim', shimVariables],
]);

export const overlays = ['compose.vllm.yml', 'compose.s3.yml', 'compose.observability.yml'] as const;
export const everyFile = ['compose.yml', ...overlays] as const;

/** The reader gives services that were extended a list of `NAME=value`. */
const environmentSchema = z
  .union([z.record(z.string(), z.string()), z.array(z.string())])
  .transform((given) =>
    Array.isArray(given)
      ? Object.fromEntries(
          given.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
        )
      : given,
  );

const serviceSchema = z.object({
  image: z.string(),
  build: z.object({ args: z.record(z.string(), z.string()), dockerfile: z.string() }).optional(),
  environment: environmentSchema.default({}),
  secrets: z.array(z.object({ source: z.string(), target: z.string() })).default([]),
  volumes: z
    .array(
      z.object({
        type: z.string(),
        source: z.string(),
        target: z.string(),
        read_only: z.boolean().default(false),
      }),
    )
    .default([]),
  ports: z.array(z.object({ host_ip: z.string().default(''), target: z.number() })).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  command: z.array(z.string()).nullish(),
  entrypoint: z.array(z.string()).nullish(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  read_only: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  stop_grace_period: z.string().optional(),
  tmpfs: z.array(z.string()).default([]),
});
export type Service = z.infer<typeof serviceSchema>;

export const installationSchema = z.object({
  services: z.record(z.string(), serviceSchema),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
});
export type Installation = z.infer<typeof installationSchema>;

/** The compose files as `docker compose` merges them, with the defaults of what they interpolate. */
export async function readInstallation(files: readonly string[]): Promise<Installation> {
  return installationSchema.parse(await readComposeFiles(folder, files));
}

/** The services that run our programs, with the program of each. */
export function ownServices({ services }: Installation): { name: string; app: string; service: Service }[] {
  return Object.entries(services).flatMap(([name, service]) => {
    const app = service.build?.args.APP;
    return app === undefined ? [] : [{ name, app, service }];
  });
}
