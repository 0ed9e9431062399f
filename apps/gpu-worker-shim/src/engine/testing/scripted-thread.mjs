import { parentPort, workerData } from 'node:worker_threads';

// A thread for specs of WorkerLink: it opens as it is told, echoes, and dies on demand.
if (workerData === 'refuse') {
  parentPort.postMessage({ refused: 'no graph' });
  parentPort.close();
} else if (workerData === 'crash at start') {
  throw new Error('bad file');
} else {
  parentPort.postMessage({ ready: 'facts' });
  parentPort.on('message', (message) => {
    if (message === 'die') throw new Error('out of memory');
    if (message === 'leave' || message === 'close') parentPort.close();
    else parentPort.postMessage(message);
  });
}
