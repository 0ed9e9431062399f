import type { Sampling, Tool, ToolChoice } from '@fovea/schemas/jobs';
import type { ChatGeneration } from '../../index.js';
import { type Wire, type WireOptions, wireParameters } from '../answer/wire-sampling.js';

/** A function under its wire name; fields left out stay out. */
const toWireTool = (tool: Tool): Wire => ({ type: 'function', function: tool });

const toWireChoice = (choice: ToolChoice): unknown =>
  typeof choice === 'string' ? choice : { type: 'function', function: { name: choice.name } };

/** Without tools vLLM refuses whatever else is said of them. */
function toolFields({ tools, toolChoice, parallelToolCalls }: ChatGeneration): Wire {
  if (tools === undefined || tools.length === 0) return {};
  return {
    tools: tools.map(toWireTool),
    ...(toolChoice === undefined ? {} : { tool_choice: toWireChoice(toolChoice) }),
    ...(parallelToolCalls === undefined ? {} : { parallel_tool_calls: parallelToolCalls }),
  };
}

function logprobFields({ logprobs, topLogprobs }: Sampling): Wire {
  if (logprobs === undefined) return {};
  return logprobs ? { logprobs, top_logprobs: topLogprobs ?? 0 } : { logprobs };
}

/** Every field of a chat request but the messages: see `wireParameters`. */
export const toWireParameters = (request: ChatGeneration, options: WireOptions): Wire =>
  wireParameters(request, options, { ...toolFields(request), ...logprobFields(request.sampling) });
