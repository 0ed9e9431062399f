import { parentPort } from 'node:worker_threads';

// A thread for specs: it is ready, and dies of the first thing that it is asked.
parentPort.postMessage({ ready: undefined });
parentPort.on('message', () => process.exit(1));
