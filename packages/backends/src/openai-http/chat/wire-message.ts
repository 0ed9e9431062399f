import type { ToolCall } from '@fovea/schemas/jobs';
import type { EngineMessage } from '../../index.js';

const toWireCall = ({ id, name, arguments: text }: ToolCall) => ({
  id,
  type: 'function',
  function: { name, arguments: text },
});

/** The fields of a message in front of its content, under their wire names. */
export function wireFieldsOf({ role, name, toolCalls, toolCallId }: EngineMessage): Record<string, unknown> {
  return {
    role,
    ...(name === undefined ? {} : { name }),
    ...(toolCalls === undefined ? {} : { tool_calls: toolCalls.map(toWireCall) }),
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
  };
}

/** An assistant that only called functions said nothing: `null`, as OpenAI writes it. */
export function saysNothing({ content, toolCalls }: EngineMessage): boolean {
  return toolCalls !== undefined && content.length === 0;
}
