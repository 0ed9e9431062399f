import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FakeEngine } from '../engine/fake-engine.js';
import { streamReply } from '../generation/stream-reply.js';
import { wholeReply } from '../generation/whole-reply.js';
import { serveRequest } from '../requests/serve-request.js';
import { parseChatRequest } from './chat-request.js';
import { ChatShapes } from './chat-shapes.js';
import { planChat } from './plan-chat.js';

/** `POST /v1/chat/completions`. */
export function chatRoute(
  engine: FakeEngine,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  return serveRequest(engine, incoming, response, parseChatRequest, (run, answer) => {
    const choices = planChat(run);
    const reply = run.request.stream ? streamReply : wholeReply;
    return reply(run, answer, choices, new ChatShapes(run, choices));
  });
}
