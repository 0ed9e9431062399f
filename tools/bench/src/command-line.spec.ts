import { describe, expect, test } from '@jest/globals';
import { parseCommandLine } from './command-line.js';
import { allScenarios } from './scenarios/all-scenarios.js';

describe('parseCommandLine', () => {
  test('runs everything unless scenarios are named', () => {
    expect(parseCommandLine([]).scenarios).toEqual(allScenarios);
    expect(parseCommandLine(['early-refusal']).scenarios.map(({ name }) => name)).toEqual(['early-refusal']);
  });

  test('refuses what it does not know', () => {
    expect(() => parseCommandLine(['no-such'])).toThrow('no scenario is named "no-such"');
    expect(() => parseCommandLine(['--rounds', '0'])).toThrow('--rounds');
    expect(() => parseCommandLine(['--round', '3'])).toThrow();
  });
});

test('every target of every scenario is about a measure it shows', () => {
  for (const { units, targets, name } of allScenarios) {
    for (const { measure } of targets)
      expect({ name, measures: Object.keys(units) }).toMatchObject({
        measures: expect.arrayContaining([measure]),
      });
  }
});
