import { afterEach, beforeEach, describe } from '@jest/globals';
import { describeAborts } from './conformance/aborts.js';
import { describeAnswers } from './conformance/answers.js';
import { describeCompletions } from './conformance/completions.js';
import { describeEngineState } from './conformance/engine-state.js';
import { describeFailures } from './conformance/failures.js';
import type { BackendHarness } from './conformance/harness.js';
import { describeRequests } from './conformance/requests.js';
import { describeScores } from './conformance/scores.js';
import { Suite } from './conformance/suite.js';
import { describeToolCalls } from './conformance/tool-calls.js';
import { describeVectors } from './conformance/vectors.js';

export type { BackendHarness, EngineScript, SeenByEngine } from './conformance/harness.js';

/** The contract of `Backend`: every adapter runs these tests against an engine it can steer. */
export function describeBackend(name: string, make: () => Promise<BackendHarness>): void {
  describe(`${name} as a Backend`, () => {
    const suite = new Suite();

    beforeEach(() => suite.start(make));
    afterEach(() => suite.stop());

    describeAnswers(suite);
    describeToolCalls(suite);
    describeRequests(suite);
    describeCompletions(suite);
    describeFailures(suite);
    describeAborts(suite);
    describeVectors(suite);
    describeScores(suite);
    describeEngineState(suite);
  });
}
