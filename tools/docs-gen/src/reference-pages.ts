import { commandHelps } from '@fovea/cli/reference';
import { variables as gatewayVariables, openApiDocument } from '@fovea/gateway/reference';
import { shimMetricTable, shimVariables } from '@fovea/gpu-worker-shim/reference';
import { metricTable } from '@fovea/observability';
import { variables as adapterVariables } from '@fovea/worker-adapter/reference';
import { compatibility, routeTests } from './evidence.js';
import { cliVariables, launcherVariables } from './launcher-variables.js';
import type { Page } from './markdown/page.js';
import { cliPage } from './pages/cli-page.js';
import { compatibilityPage } from './pages/compatibility-page.js';
import { envPage } from './pages/env-page.js';
import { errorsPage } from './pages/errors-page.js';
import { documentSchema, httpApiPage } from './pages/http-api-page.js';
import { limitsPage } from './pages/limits-page.js';
import { metricsPage } from './pages/metrics-page.js';

/** Every page of `docs/reference`, as the code stands. */
export function referencePages(): Page[] {
  const openApi = documentSchema.parse(openApiDocument());
  return [
    errorsPage(),
    envPage([
      { title: 'Gateway', introduction: 'Read by `apps/gateway`.', variables: gatewayVariables },
      {
        title: 'Worker-adapter',
        introduction: 'Read by `apps/worker-adapter`.',
        variables: adapterVariables,
      },
      { title: 'Shim', introduction: 'Read by `apps/gpu-worker-shim`.', variables: shimVariables },
      {
        title: 'Launcher',
        introduction:
          'Read by `npm start` and `npm test` alone. `npm start` hands all others on to the programs it starts, secrets only to those they concern.',
        variables: launcherVariables,
      },
      {
        title: 'The fovea command',
        introduction:
          'Read by `apps/cli`. `fovea doctor` also reads those of the other programs that it compares with.',
        variables: cliVariables,
      },
    ]),
    limitsPage(openApi),
    metricsPage([...metricTable, ...shimMetricTable]),
    httpApiPage(openApi, routeTests()),
    compatibilityPage(compatibility()),
    cliPage(commandHelps()),
  ];
}
