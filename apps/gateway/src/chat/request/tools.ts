import type { ChatRequestWire, ToolChoiceWire, ToolWire } from '@fovea/schemas/http';
import type { ChatTask, Tool, ToolChoice } from '@fovea/schemas/jobs';
import type { Capabilities } from '@fovea/schemas/model-package';
import { checkJsonSchema } from '../../json-schema/check-json-schema.js';
import { missing, refuse } from '../../tasks/refusals.js';

type ToolFields = Pick<ChatTask, 'tools' | 'toolChoice' | 'parallelToolCalls'>;

/**
 * The tools of a request and how the model may use them. Throws `MISSING_CAPABILITY` when the package has none,
 * `INVALID_REQUEST` for a schema that no engine should see, or a choice of what is not there.
 */
export function toTools(wire: ChatRequestWire, capabilities: Capabilities): ToolFields {
  const tools = wire.tools ?? [];
  const choice = wire.tool_choice;
  if (tools.length === 0) {
    const isHarmless = choice === undefined || choice === 'none' || choice === 'auto';
    if (!isHarmless) throw refuse('tool_choice needs tools.', 'tool_choice');
    return {};
  }
  if (!capabilities.tools) throw missing('This model does not offer tool calls.', 'tools');
  checkNames(tools);
  return {
    tools: tools.map(toTool),
    ...(choice === undefined ? {} : { toolChoice: toChoice(choice, tools) }),
    ...(wire.parallel_tool_calls === undefined ? {} : { parallelToolCalls: wire.parallel_tool_calls }),
  };
}

function checkNames(tools: readonly ToolWire[]): void {
  const seen = new Set<string>();
  for (const [at, { function: offered }] of tools.entries()) {
    if (seen.has(offered.name)) {
      throw refuse(`Two functions are named "${offered.name}".`, `tools[${at}].function.name`);
    }
    seen.add(offered.name);
  }
}

function toTool({ function: offered }: ToolWire, at: number): Tool {
  const { name, description, parameters, strict } = offered;
  if (parameters != null) checkJsonSchema(parameters, ['tools', at, 'function', 'parameters']);
  return {
    name,
    ...(description == null ? {} : { description }),
    ...(parameters == null ? {} : { parameters }),
    ...(strict == null ? {} : { strict }),
  };
}

function toChoice(choice: ToolChoiceWire, tools: readonly ToolWire[]): ToolChoice {
  if (typeof choice === 'string') return choice;
  const { name } = choice.function;
  if (tools.some((tool) => tool.function.name === name)) return { name };
  throw refuse(`No function is named "${name}".`, 'tool_choice.function.name');
}
