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
  testTimeout: 20_000,
  maxWorkers: 2,
  reporters: ['default', '<rootDir>/tools/launcher/count-reporter.mjs'],
  projects: [
    unit,
    project('integration', specsOf('int.spec')),
    project('e2e', ['<rootDir>/e2e/**/*.e2e.spec.ts', '<rootDir>/tools/launcher/**/*.e2e.spec.mjs']),
  ],
};
