import { createServer } from 'node:http';

/** Program: the least a server can do with a body, which is to count its bytes. The yardstick for every reader. */
const port = Number(process.argv[2]);

createServer({ requestTimeout: 0 }, (request, response) => {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on('end', () => {
    const answer = JSON.stringify({ bytes });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
    response.end(answer);
  });
}).listen(port, '127.0.0.1');
