import { expect, test } from '@jest/globals';
import { parseStatus } from './memory.js';

test('memory is read in bytes, and a kernel that tells nothing is not taken for a process without memory', () => {
  const status = 'Name:\tnode\nVmPeak:\t 900000 kB\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n';
  expect(parseStatus(status)).toEqual({ rssBytes: 1_048_576, peakBytes: 2_097_152 });
  expect(() => parseStatus('Name:\tnode\n')).toThrow('VmRSS');
});
