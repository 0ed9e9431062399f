import { describe, expect, it } from '@jest/globals';
import { jestArguments } from './arguments.mjs';

describe('arguments for Jest', () => {
  it.each([
    [['--selectProjects', 'unit', 'e2e', 'packages/errors', '-t', 'unit']],
    [['packages/errors', '--selectProjects=unit', 'e2e', '-t', 'unit']],
    [['--selectProjects=unit', '--selectProjects=e2e', 'packages/errors', '-t', 'unit']],
  ])('may name projects and a path in any order: %j', (args) => {
    expect(jestArguments(args)).toEqual(['packages/errors', '-t', 'unit', '--selectProjects', 'unit', 'e2e']);
  });

  it('leave what stands behind the last option where it is', () => {
    const args = ['--selectProjects', 'unit', 'apps/cli', '--', 'packages'];
    expect(jestArguments(args)).toEqual(['apps/cli', '--selectProjects', 'unit', '--', 'packages']);
  });

  it('without projects are handed on as they are', () => {
    const args = ['apps/cli', 'e2e', '--runInBand'];
    expect(jestArguments(args)).toEqual(args);
  });
});
