import { describe, expect, it } from '@jest/globals';
import { redactLine, redactText } from './redact-text.js';

describe('redactText', () => {
  it.each([
    'metadata: x, y',
    'data: nothing here, nor there',
    'at Object.<anonymous> (/srv/fovea/packages/observability/src/log/redact-text.spec.ts:12:9)',
    'HTTP 503 from engine 2 after 1.5 s; retry in 3',
    'sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'http://127.0.0.1:8080/v1/chat/completions',
  ])('leaves ordinary text alone: %s', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it('hides an API key that a tenant created, wherever it stands', () => {
    const key = `fov_${'Ab-_9'.repeat(9)}xyz8`;
    expect(redactText(`used ${key}, then left`)).toBe('used [redacted], then left');
  });

  it('is bounded in time on text made to make patterns backtrack', () => {
    const hostile = [
      'data:',
      'a://',
      'Bearer ',
      '1,',
      'A'.repeat(255),
      `${'A'.repeat(60)} `,
      'eyJ',
      'fov_',
      'token=',
      '\\u00',
      ';base64 ',
    ];
    const steps = hostile.map((piece) => {
      const text = piece.repeat(Math.ceil(2 ** 22 / piece.length));
      const before = process.cpuUsage();
      redactText(text);
      return process.cpuUsage(before).user / 1_000;
    });
    // Microseconds to a few milliseconds in practice; a pattern that backtracks would take minutes on 4 MiB.
    expect(Math.max(...steps)).toBeLessThan(2_000);
  });
});

describe('redactLine', () => {
  it('keeps the line valid JSON wherever the media stands', () => {
    const run = 'A'.repeat(300);
    for (const text of [
      run,
      `\n${run}`,
      `é${run}`,
      `"${run}"`,
      `\u0001${run}\\`,
      `data:image/png;base64,${run}"\\x`,
    ]) {
      const line = redactLine(JSON.stringify({ before: 1, text, after: 'data:' }));
      expect(line).not.toContain(run.slice(0, 256));
      expect(JSON.parse(line)).toMatchObject({ before: 1, after: 'data:' });
    }
  });
});
