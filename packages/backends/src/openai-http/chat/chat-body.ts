import type { EngineMessage, EnginePart } from '../../index.js';
import {
  createStreamedBody,
  imageJson,
  type JsonParts,
  listJson,
  type RequestBody,
} from '../transport/request-body.js';
import { saysNothing, wireFieldsOf } from './wire-message.js';

const partJson = (part: EnginePart): JsonParts =>
  part.type === 'image' ? imageJson(part.image) : [JSON.stringify({ type: 'text', text: part.text })];

const contentJson = (content: EngineMessage['content']): JsonParts =>
  typeof content === 'string' ? [JSON.stringify(content)] : listJson(content.map(partJson));

function messageJson(message: EngineMessage): JsonParts {
  const open = JSON.stringify(wireFieldsOf(message)).slice(0, -1);
  const content = saysNothing(message) ? ['null'] : contentJson(message.content);
  return [`${open},"content":`, ...content, '}'];
}

/** The JSON of a chat request: messages first and in order, then the parameters. */
export const createChatBody = (
  messages: readonly EngineMessage[],
  parameters: Readonly<Record<string, unknown>>,
): RequestBody => createStreamedBody('messages', listJson(messages.map(messageJson)), parameters);
