import type { CompleteRequestWire } from '@fovea/schemas/http';
import { missing } from '../../tasks/refusals.js';

type Default = 0 | 2 | boolean | 'empty' | 'absent';

/** Fields that no engine here has, with the value at which they say nothing. Clients send many of them always. */
const defaults = {
  sequence_penalty: 0,
  sequence_penalty_min_length: 2,
  repetition_penalties_include_prompt: false,
  repetition_penalties_include_completion: true,
  use_multiplicative_presence_penalty: false,
  use_multiplicative_frequency_penalty: false,
  use_multiplicative_sequence_penalty: false,
  penalty_bias: 'empty',
  penalty_exceptions: 'empty',
  completion_bias_inclusion: 'empty',
  completion_bias_exclusion: 'empty',
  completion_bias_inclusion_first_token_only: false,
  completion_bias_exclusion_first_token_only: false,
  contextual_control_threshold: 'absent',
  control_log_additive: true,
  steering_concepts: 'empty',
} as const satisfies { [K in keyof CompleteRequestWire]?: Default };

/** Throws `MISSING_CAPABILITY` with the first field that asks for what no engine here does. */
export function requireDefaults(wire: Partial<CompleteRequestWire>): void {
  for (const [name, expected] of Object.entries(defaults)) {
    const value = wire[name as keyof typeof defaults];
    if (value === undefined || isDefault(value, expected)) continue;
    throw missing(`${name}: this model offers the default only.`, name);
  }
}

function isDefault(value: unknown, expected: Default): boolean {
  if (expected === 'empty') return (Array.isArray(value) || typeof value === 'string') && value.length === 0;
  return value === expected;
}
