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

const unit = project('unit', ['<rootDir>/{apps,packages,tools}/**/*.spec.ts']);
unit.testPathIgnorePatterns = ['/node_modules/', '/dist/', '\\.int\\.spec\\.ts$', '/tools/launcher/'];

export default {
  testTimeout: 20_000,
  maxWorkers: 2,
  reporters: ['default', '<rootDir>/tools/launcher/count-reporter.mjs'],
  projects: [
    unit,
    project('integration', ['<rootDir>/{apps,packages,tools}/**/*.int.spec.ts']),
    project('e2e', ['<rootDir>/e2e/**/*.e2e.spec.ts']),
  ],
};
