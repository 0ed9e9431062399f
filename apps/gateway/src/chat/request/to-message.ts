import type { MessageWire, ToolCallWire } from '@fovea/schemas/http';
import type { BlobRef, ChatMessage, ContentPart, ToolCall } from '@fovea/schemas/jobs';
import type { Capabilities } from '@fovea/schemas/model-package';
import { namedFilePath } from '../../files/named-files.js';
import { missing, refuse } from '../../tasks/refusals.js';

export interface MessageSources {
  /** Media by the paths at which the request has them. */
  readonly media: ReadonlyMap<string, BlobRef>;
  /** Where the message's images are added. */
  readonly blobs: BlobRef[];
  readonly capabilities: Capabilities;
}

/** Translates one message; throws `INVALID_REQUEST` or `MISSING_CAPABILITY` with the path of what is wrong. */
export function toMessage(wire: MessageWire, index: number, sources: MessageSources): ChatMessage {
  const path = `messages[${index}]`;
  const { role } = wire;
  const toolCalls = toToolCalls(wire, path, sources.capabilities);
  const { content, plain } = toContent(wire, index, sources);
  if (role === 'tool' && !sources.capabilities.tools) {
    throw missing('This model does not offer tool calls.', `${path}.role`);
  }
  if (role === 'tool' && wire.tool_call_id == null) {
    throw refuse('A result of a tool needs the id of its call.', `${path}.tool_call_id`);
  }
  return {
    role,
    content,
    ...(plain ? { plain } : {}),
    ...(wire.name == null ? {} : { name: wire.name }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
    ...(role === 'tool' && wire.tool_call_id != null ? { toolCallId: wire.tool_call_id } : {}),
  };
}

function toToolCalls(wire: MessageWire, path: string, capabilities: Capabilities): ToolCall[] {
  const calls = wire.tool_calls ?? [];
  if (calls.length === 0) return [];
  if (wire.role !== 'assistant') {
    throw refuse('Only a message of the role "assistant" calls tools.', `${path}.tool_calls`);
  }
  if (!capabilities.tools) throw missing('This model does not offer tool calls.', `${path}.tool_calls`);
  return calls.map((call, at) => toToolCall(call, `${path}.tool_calls[${at}]`));
}

/** Chat templates parse the arguments, so an engine would fail on what is no JSON. */
function toToolCall({ id, function: called }: ToolCallWire, path: string): ToolCall {
  if (called.arguments !== '' && !isJson(called.arguments)) {
    throw refuse('The arguments of a call are no JSON.', `${path}.function.arguments`);
  }
  return { id, name: called.name, arguments: called.arguments };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function toContent(
  wire: MessageWire,
  index: number,
  { media, blobs }: MessageSources,
): { content: ContentPart[]; plain: boolean } {
  const path = `messages[${index}].content`;
  const { content } = wire;
  if (content == null) {
    if ((wire.tool_calls ?? []).length > 0) return { content: [], plain: false };
    throw refuse('A message needs content.', path);
  }
  if (typeof content === 'string') return { content: [{ type: 'text', text: content }], plain: true };
  if (content.length === 0) throw refuse('The list of parts is empty.', path);
  const parts = content.map((part, at): ContentPart => {
    if (part.type === 'text') return part;
    const where = part.type === 'image_file' ? namedFilePath(index, at) : `${path}[${at}].image_url.url`;
    const ref = media.get(where);
    if (ref === undefined) throw new Error(`no image was read at ${where}`);
    return { type: 'image', blob: blobs.push(ref) - 1, path: where };
  });
  return { content: parts, plain: false };
}
