import { describe, expect, it } from '@jest/globals';
import { detailsOf, problemIn, problemOf, sentenceOf } from './problem.js';

const limit = { name: 'max_image_side_px', value: 4000, actual: 4001 };

describe('a problem', () => {
  it('is read from OpenAI’s form', () => {
    const body = { error: { message: 'Too wide.', param: 'messages[0]', code: 'IMAGE_TOO_LARGE', limit } };
    expect(problemIn(body, 'r1')).toEqual({
      code: 'IMAGE_TOO_LARGE',
      message: 'Too wide.',
      param: 'messages[0]',
      limit,
      requestId: 'r1',
    });
  });

  it('is read from Pharia’s form', () => {
    expect(problemOf(404, '{"error":"No such model.","code":"UNKNOWN_MODEL"}', 'r2')).toMatchObject({
      code: 'UNKNOWN_MODEL',
      message: 'No such model.',
      requestId: 'r2',
    });
  });

  it.each(['<html>Bad Gateway</html>', '', '[]', 'null', '{"detail":"x"}'])(
    'names the status when the answer explains nothing: %j',
    (body) => {
      expect(problemOf(502, body, undefined)).toMatchObject({ code: 'HTTP 502' });
    },
  );

  it('is not seen in what is no error', () => {
    expect(problemIn({ choices: [] }, undefined)).toBeUndefined();
  });

  it('becomes sentences with what to do', () => {
    const sentence = sentenceOf({ code: 'MODEL_UNAVAILABLE', message: 'No worker serves this model' });
    expect(sentence).toBe('No worker serves this model. Start a worker for it or choose another model.');
  });

  it('shows code, field and limit', () => {
    const problem = { code: 'IMAGE_TOO_LARGE', message: '', param: 'messages[0]', limit };
    expect(detailsOf(problem)).toEqual([
      'IMAGE_TOO_LARGE',
      'messages[0]',
      'max_image_side_px = 4000 (found 4001)',
    ]);
  });
});
