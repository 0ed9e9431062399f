import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/**
 * Program: an engine that throws the body away and answers one word, so that what is measured is the road to it. Speaks
 * as much of vLLM's protocol as a worker-adapter and Portkey need; `tools/fake-vllm` is the one that reads its requests.
 */
const port = Number(process.argv[2]);
const model = process.argv[3] ?? 'bench';

/** `stream` stands in front of the messages or behind them, never between images. */
const EDGE_BYTES = 4_096;
const id = 'chatcmpl-bench';
const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
const head = { id, created: 0, model };

function sendJson(response: ServerResponse, value: unknown): void {
  const text = JSON.stringify(value);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length }).end(text);
}

function sendStream(response: ServerResponse): void {
  const chunk = (choices: unknown[], more: object = {}): string =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...more })}\n\n`;
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.write(chunk([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]));
  response.write(chunk([{ index: 0, delta: { content: 'Yes' }, finish_reason: 'stop' }]));
  response.end(`${chunk([], { usage })}data: [DONE]\n\n`);
}

async function answerChat(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let first = Buffer.alloc(0);
  let last = Buffer.alloc(0);
  for await (const chunk of request) {
    if (first.length < EDGE_BYTES) first = Buffer.concat([first, chunk]);
    last = Buffer.concat([last.subarray(-EDGE_BYTES), chunk.subarray(-EDGE_BYTES)]);
  }
  const edges = first.toString('latin1', 0, EDGE_BYTES) + last.toString('latin1');
  if (/"stream"\s*:\s*true/.test(edges)) return sendStream(response);
  const message = { role: 'assistant', content: 'Yes' };
  sendJson(response, {
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage,
  });
}

createServer({ requestTimeout: 0 }, (request, response) => {
  if (request.url === '/v1/models') {
    const card = { id: model, object: 'model', created: 0, owned_by: 'vllm', root: model, parent: null };
    return sendJson(response, { object: 'list', data: [{ ...card, max_model_len: 1_000_000 }] });
  }
  if (request.url === '/v1/chat/completions') {
    answerChat(request, response).catch(() => response.destroy());
    return;
  }
  response.writeHead(request.url === '/health' ? 200 : 404, { 'content-length': 0 }).end();
}).listen(port, '127.0.0.1');
