import { join } from 'node:path';

/**
 * One gate of `npm run check`.
 * @typedef {object} Gate
 * @property {string} name
 * @property {readonly (readonly string[])[]} commands Arguments for Node, each command in turn.
 * @property {string} advice What to run or do when it is red.
 * @property {string} [needs] The gate without which this one says nothing.
 */

/**
 * All gates, cheapest first.
 * @param {string} root
 * @returns {readonly Gate[]}
 */
export function gatesOf(root) {
  const bin = (/** @type {string} */ path) => join(root, 'node_modules', path);
  const sources = ['apps', 'packages', 'tools', 'e2e'];
  return [
    {
      name: 'lint',
      commands: [[bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.']],
      advice: 'npm run format   (mends most; the rest is named above)',
    },
    { name: 'types', commands: [[bin('@typescript/native/bin/tsc'), '-b']], advice: 'npm run typecheck' },
    {
      name: 'boundaries',
      commands: [
        [bin('turbo/bin/turbo'), 'boundaries'],
        [
          bin('dependency-cruiser/bin/dependency-cruise.mjs'),
          '--config',
          '.dependency-cruiser.mjs',
          ...sources,
        ],
      ],
      advice: 'npm run boundaries   (which way imports point: docs/architecture.md)',
    },
    {
      name: 'dead code',
      commands: [[bin('knip/bin/knip.js')]],
      advice: 'npm run dead-code   (remove it, or import it where it is meant to be used)',
    },
    {
      name: 'docs',
      commands: [[join(root, 'tools/docs-gen/dist/main.js'), '--check']],
      advice: 'npm run typecheck && npm run docs   (then commit docs/reference; links are mended by hand)',
      needs: 'types',
    },
  ];
}
