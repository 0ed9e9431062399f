import { writeFileSync } from 'node:fs';

/**
 * What this reads of Jest's results.
 * @typedef {object} TestOutcome
 * @property {string} status
 * @property {readonly string[]} ancestorTitles
 * @property {string} title
 *
 * @typedef {object} SuiteOutcome
 * @property {unknown} [testExecError]
 * @property {number} numFailingTests
 * @property {readonly TestOutcome[]} testResults
 *
 * @typedef {object} RunOutcome
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {readonly SuiteOutcome[]} testResults
 */

/**
 * Leaves the counts of a run in the file that FOVEA_COUNTS_FILE names, for whoever started Jest: Jest's own summary is
 * printed last, and the closing line of `npm test` has to stand behind it.
 */
export default class CountReporter {
  /**
   * @param {unknown} _contexts
   * @param {RunOutcome} results
   */
  onRunComplete(_contexts, results) {
    const path = process.env.FOVEA_COUNTS_FILE;
    if (path !== undefined) writeFileSync(path, JSON.stringify(countsOf(results)));
  }
}

/** @param {RunOutcome} results */
function countsOf(results) {
  // A file that could not even be loaded counts as a failure, although it has no failed test.
  const brokenSuites = results.testResults.filter(
    (suite) => suite.testExecError !== undefined && suite.numFailingTests === 0,
  ).length;
  const skipped = results.testResults.flatMap((suite) =>
    suite.testResults.filter(({ status }) => status === 'pending' || status === 'todo'),
  );
  return {
    passed: results.numPassedTests,
    failed: results.numFailedTests + brokenSuites,
    skipped: results.numPendingTests + results.numTodoTests,
    skippedNames: [...new Set(skipped.map(({ ancestorTitles, title }) => ancestorTitles[0] ?? title))],
  };
}
