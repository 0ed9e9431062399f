import type { Lane } from '@fovea/schemas/jobs';
import { describe, expect, it } from '@jest/globals';
import { exampleJob } from '../conformance.js';
import { parseEnvelope, serializeEnvelope } from './envelope.js';

const lane: Lane = { checkpoint: 'c', kind: 'text' };

describe('the envelope of a job', () => {
  it('comes back as it went', () => {
    const job = exampleJob(lane);
    expect(parseEnvelope(job.id, serializeEnvelope(lane, job))).toEqual(job);
  });

  it('is told apart from one that names another request', () => {
    const job = exampleJob(lane);
    expect(parseEnvelope('another', serializeEnvelope(lane, job))).toBe('the envelope names another request');
  });

  it('never puts the text of a client into the reason', () => {
    const job = { ...exampleJob(lane), tenant: 42, model: 'secret words' };
    expect(parseEnvelope(job.id, JSON.stringify(job))).toBe('tenant: invalid_type');
    expect(parseEnvelope(job.id, '[]')).toBe('(root): invalid_type');
  });
});
