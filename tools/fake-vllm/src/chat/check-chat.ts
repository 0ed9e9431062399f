import { constraintChecks } from '../constraints/constraint.js';
import type { EngineSettings } from '../engine/engine-options.js';
import { type Checks, checkSampling, runChecks } from '../generation/check-sampling.js';
import type { ChatRequestBody } from './chat-schema.js';

/** The function a `tool_choice` names. */
export function namedTool(body: Pick<ChatRequestBody, 'tool_choice'>): string | undefined {
  return typeof body.tool_choice === 'object' ? body.tool_choice?.function.name : undefined;
}

const logprobs: Checks<ChatRequestBody> = [
  [
    'top_logprobs',
    (b) => {
      if (b.top_logprobs == null) return undefined;
      if (b.top_logprobs < -1) return '`top_logprobs` must be a positive value or -1.';
      return b.logprobs !== true && 'when using `top_logprobs`, `logprobs` must be set to true.';
    },
  ],
];

const tools: Checks<ChatRequestBody> = [
  ['tools', (b) => b.tools?.length === 0 && '`tools` must not be an empty array.'],
  [
    'tool_choice',
    (b) =>
      b.tool_choice != null &&
      b.tool_choice !== 'none' &&
      b.tools == null &&
      'When using `tool_choice`, `tools` must be set.',
  ],
  [
    'tool_choice',
    (b) => {
      const name = namedTool(b);
      return (
        name !== undefined &&
        !b.tools?.some((tool) => tool.function.name === name) &&
        `The tool specified in \`tool_choice\` does not match any of the specified \`tools\`: ${name}`
      );
    },
  ],
  [
    'tool_choice',
    (b, { autoToolChoice }) =>
      !autoToolChoice &&
      b.tools != null &&
      (b.tool_choice ?? 'auto') === 'auto' &&
      '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
  ],
];

export const promptChecks: Checks<
  Pick<ChatRequestBody, 'add_generation_prompt' | 'continue_final_message' | 'chat_template'>
> = [
  [
    'continue_final_message',
    (b) =>
      b.continue_final_message === true &&
      (b.add_generation_prompt ?? true) &&
      'Cannot set both `continue_final_message` and `add_generation_prompt` to True.',
  ],
  [
    'chat_template',
    (b) =>
      b.chat_template != null &&
      'Chat template is passed with request, but --trust-request-chat-template is not set. Refused request with untrusted chat template.',
  ],
];

/** Throws the 400 vLLM answers before it looks at the messages. */
export function checkChat(body: ChatRequestBody, settings: EngineSettings): void {
  runChecks(logprobs, body, settings);
  runChecks(tools, body, settings);
  runChecks(promptChecks, body, settings);
  runChecks(constraintChecks, body, settings);
  checkSampling(body, settings);
}
