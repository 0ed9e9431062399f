import { expect, test } from '@jest/globals';
import { parseQueuedBytes } from './socket-queues.js';

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C001 01 00000007:00000400 00:00000000 00000000     0        0 2 1 0 20 4 30 10 -1
   2: 0100007F:C001 0100007F:1F90 01 00001000:00000003 01:00000015 00000000     0        0 3 2 0 20 4 31 10 -1
`;

test('what is on its way is in one of two queues, and the other direction does not count', () => {
  expect(parseQueuedBytes(table, 0xc001, 8080)).toBe(0x1000 + 0x400);
  expect(parseQueuedBytes(table, 8080, 0xc001)).toBe(7 + 3);
});

test('a connection that is gone has nothing queued', () => {
  expect(parseQueuedBytes(table, 0xc002, 8080)).toBe(0);
});
