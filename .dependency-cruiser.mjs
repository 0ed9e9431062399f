/**
 * Which way imports may point (DESIGN: apps → adapters at the composition root → ports → schemas → errors).
 * `turbo boundaries` checks the coarse half between workspaces; this checks what it cannot say.
 */

/** Files that may import what only tests use. */
const tests = [
  String.raw`\.spec\.(ts|mjs)$`,
  String.raw`conformance(\.ts$|/)`,
  '/fakes?/',
  '^e2e/',
  '^tools/',
  '^packages/testing/',
];

/** The one file (or two) of a process that picks its adapters. */
const compositionRoots = [String.raw`/src/(app\.module|compose|main)\.ts$`];

/** Where port packages keep their adapters; each subpath `./x` is `src/x.ts`, which may lead into a folder. */
const adapters = [
  '^packages/blob-store/(src|dist)/(file|s3|from-url)',
  '^packages/job-queue/(src|dist)/bullmq',
  '^packages/token-stream/(src|dist)/redis',
  '^packages/model-registry/(src|dist)/redis',
  '^packages/quarantine/(src|dist)/redis',
  '^packages/backends/(src|dist)/openai-http',
];

/** @type {import('dependency-cruiser').IConfiguration} */
const configuration = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Two files that need each other hide a third one: extract what both share.',
      from: {},
      // A type that points back is erased and loads nothing.
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'packages-know-no-apps',
      severity: 'error',
      comment: 'Packages are what apps are made of. Move the code that both need into a package.',
      from: { path: '^packages/' },
      to: { path: '^(apps|tools|e2e)/', pathNot: '^tools/fake-vllm/' },
    },
    {
      name: 'apps-know-no-other-app',
      severity: 'error',
      comment: 'Apps meet over HTTP and Redis only.',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'nest-only-in-the-gateway',
      severity: 'error',
      from: { pathNot: '^apps/gateway/' },
      to: { path: '(^|node_modules/)@nestjs/' },
    },
    {
      name: 'bullmq-only-in-the-job-queue',
      severity: 'error',
      from: { pathNot: '^packages/job-queue/' },
      to: { path: '(^|node_modules/)bullmq(/|$)' },
    },
    {
      name: 'adapters-only-at-the-composition-root',
      severity: 'error',
      comment: 'Take the port in the constructor; app.module.ts, compose.ts or main.ts picks the adapter.',
      from: { path: '^(apps|packages|tools)/([^/]+)/', pathNot: [...compositionRoots, ...tests] },
      to: { path: adapters, pathNot: '^$1/$2/' },
    },
    {
      name: 'contracts-import-nothing-above',
      severity: 'error',
      from: { path: '^packages/(errors|schemas)/', pathNot: tests },
      to: { path: '^(apps|packages|tools|e2e)/', pathNot: '^packages/(errors|schemas)/' },
    },
    {
      name: 'errors-import-no-workspace',
      severity: 'error',
      from: { path: '^packages/errors/', pathNot: tests },
      to: { path: '^(apps|packages|tools|e2e)/', pathNot: '^packages/errors/' },
    },
    {
      name: 'no-junk-drawers',
      severity: 'error',
      comment: 'Name the concept the files are about.',
      from: {},
      to: {
        path: String.raw`^(apps|packages|tools|e2e)/.*/(utils?|commons?|helpers?|shared|misc)(/|\.(ts|mjs)$)`,
      },
    },
    {
      name: 'test-tools-only-in-tests',
      severity: 'error',
      from: { path: '^(apps|packages)/', pathNot: tests },
      to: { path: '^(packages/testing|tools/fake-vllm)/' },
    },
    {
      name: 'nothing-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // The TypeScript parser, because the SWC walker stops at `using`; types count, since they are knowledge too.
    parser: 'tsc',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: String.raw`(^|/)(dist|\.fovea)/` },
    enhancedResolveOptions: {
      conditionNames: ['source', 'import', 'node', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
};

export default configuration;
