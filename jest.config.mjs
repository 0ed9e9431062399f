import { availableParallelism } from 'node:os';

/** One runner for the whole repository: `unit` needs nothing, `integration` a redis-server, `e2e` built apps. */
const project = (displayName, testMatch, extra = {}) => ({
  displayName,
  testMatch,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/', '<rootDir>/.fovea/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  ...extra,
});

/** The launcher is plain JavaScript, and so are its specs. */
const specsOf = (/** @type {string} */ suffix) => [
  `<rootDir>/{apps,packages,tools}/**/*.${suffix}.ts`,
  `<rootDir>/tools/launcher/**/*.${suffix}.mjs`,
];

const unit = project('unit', specsOf('spec'));
unit.testPathIgnorePatterns = ['/node_modules/', '/dist/', '\\.(int|e2e)\\.spec\\.m?[jt]s$'];

export default {
  // It only ends what is lost anyway, also on a busy machine.
  testTimeout: 60_000,
  // Specs that run servers and processes wait for most of their time, so there are more workers than cores.
  maxWorkers: Math.min(2 * availableParallelism(), 8),
  // Jest keeps what ES modules it has loaded; a worker that has grown is replaced.
  workerIdleMemoryLimit: '1GB',
  testSequencer: '<rootDir>/tools/launcher/jest/busy-and-waiting.mjs',
  reporters: ['default', '<rootDir>/tools/launcher/count-reporter.mjs'],
  projects: [
    unit,
    project('integration', specsOf('int.spec')),
    project('e2e', ['<rootDir>/e2e/**/*.e2e.spec.ts', '<rootDir>/tools/launcher/**/*.e2e.spec.mjs']),
  ],
};
