import { describe, expect, it } from '@jest/globals';
import { parseChatFields } from './chat-fields.js';
import { assertChatRules } from './chat-rules.js';

const messages = [{ role: 'user', content: 'hi' }];
const check = (fields: object) => assertChatRules(parseChatFields({ messages, ...fields }));

describe('the fields of a chat request', () => {
  it('may be null, unknown, or at the bounds', () => {
    check({ temperature: null, stop: null, made_up: { x: 1 }, tools: null, logit_bias: {} });
    check({ temperature: 0, top_p: 1, top_k: -1, min_p: 0, presence_penalty: -2, frequency_penalty: 2 });
    check({ seed: -(2 ** 53), n: 4, min_tokens: 0, stop: ['a', 'b'], top_logprobs: 20, logprobs: true });
    check({
      priority: -3,
      answer_token_ids: [0, 5],
      continue_final_message: true,
      add_generation_prompt: false,
    });
    check({ tool_choice: 'none', tools: [{}], response_format: { type: 'text' }, stream_options: null });
    check({ stream: true, stream_options: { include_usage: true, continuous_usage_stats: true } });
    check({ return_tokens_as_token_ids: false, media_io_kwargs: null, chat_template_kwargs: null });
    check({ media_io_kwargs: { image: { rgba_background_color: [255, 255, 255], image_mode: 'RGB' } } });
    check({ media_io_kwargs: { image: {}, video: { num_frames: 8 } } });
    check({
      chat_template_kwargs: { enable_thinking: false, budget: 0.5, style: 'x'.repeat(1000), no: null },
    });
  });

  it.each([
    ['messages', { messages: [] }],
    ['messages', { messages: 'hi' }],
    ['messages[0].role', { messages: [{ content: 'hi' }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: 5 }] }],
    ['temperature', { temperature: -0.1 }],
    ['temperature', { temperature: '1' }],
    ['top_p', { top_p: 0 }],
    ['top_p', { top_p: 1.01 }],
    ['top_k', { top_k: -2 }],
    ['min_p', { min_p: 1.5 }],
    ['presence_penalty', { presence_penalty: 2.1 }],
    ['frequency_penalty', { frequency_penalty: -2.1 }],
    ['repetition_penalty', { repetition_penalty: 0 }],
    ['n', { n: 0 }],
    ['max_tokens', { max_tokens: 0 }],
    ['max_completion_tokens', { max_completion_tokens: 1.5 }],
    ['seed', { seed: 2 ** 70 }],
    ['stop', { stop: '' }],
    ['stop', { stop: ['a', ''] }],
    ['stop', { stop: new Array(65).fill('a') }],
    ['stop', { stop: '\ud83d' }],
    ['logit_bias', { logit_bias: { a: 1 } }],
    ['top_logprobs', { top_logprobs: 21, logprobs: true }],
    ['stream', { stream: 'yes' }],
    ['cache_salt', { cache_salt: '' }],
    ['priority', { priority: 0.5 }],
    ['answer_token_ids[1]', { answer_token_ids: [1, -1] }],
    ['reasoning_effort', { reasoning_effort: 'much' }],
    ['mm_processor_kwargs', { mm_processor_kwargs: { max_pixels: 5 } }],
    ['media_io_kwargs', { media_io_kwargs: 'white' }],
    ['media_io_kwargs.image', { media_io_kwargs: { image: { max_pixels: 5 } } }],
    ['return_tokens_as_token_ids', { return_tokens_as_token_ids: 'yes' }],
    ['chat_template_kwargs', { chat_template_kwargs: 'think' }],
    ['chat_template_kwargs.turns', { chat_template_kwargs: { turns: [1] } }],
    ['chat_template_kwargs.options', { chat_template_kwargs: { options: { deep: true } } }],
    ['chat_template_kwargs.style', { chat_template_kwargs: { style: 'x'.repeat(1001) } }],
    ['chat_template_kwargs', { chat_template_kwargs: { ['x'.repeat(65)]: 1 } }],
    [
      'chat_template_kwargs',
      { chat_template_kwargs: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`v${at}`, at])) },
    ],
  ])('that are malformed or out of bounds name their path: %s', (param, fields) => {
    expect(() => check(fields)).toThrow(
      expect.objectContaining({
        name: expect.stringMatching(/^(MalformedRequest|FoveaError)$/),
        param: expect.stringContaining(param),
      }),
    );
  });

  it.each([
    ['stream_options', { stream_options: { include_usage: true } }],
    ['top_logprobs', { top_logprobs: 1 }],
    ['n', { n: 2, temperature: 0 }],
    ['min_tokens', { min_tokens: 5, max_tokens: 4 }],
    ['n', { n: 2, answer_token_ids: [1] }],
    ['continue_final_message', { continue_final_message: true, add_generation_prompt: true }],
    ['continue_final_message', { continue_final_message: true }],
    ['allowed_token_ids', { allowed_token_ids: [] }],
    ['allowed_token_ids', { allowed_token_ids: [5] }],
    ['tools', { tools: [] }],
    ['tools', { tools: [{ type: 'function' }] }],
    ['tool_choice', { tool_choice: 'required' }],
    ['response_format', { response_format: { type: 'json_object' } }],
    ['structured_outputs', { structured_outputs: { json: {} } }],
    ['use_beam_search', { use_beam_search: true }],
    ['echo', { echo: true }],
    ['bad_words', { bad_words: ['x'] }],
    ['prompt_logprobs', { prompt_logprobs: 1 }],
    ['return_tokens_as_token_ids', { return_tokens_as_token_ids: true }],
    [
      'media_io_kwargs.image.rgba_background_color',
      { media_io_kwargs: { image: { rgba_background_color: [0, 0, 0] } } },
    ],
    ['media_io_kwargs.image.image_mode', { media_io_kwargs: { image: { image_mode: 'L' } } }],
    ['chat_template', { chat_template: '{{ x }}' }],
    ['chat_template_kwargs.messages', { chat_template_kwargs: { messages: 'none' } }],
    ['chat_template_kwargs.tools', { chat_template_kwargs: { tools: null } }],
    ['chat_template_kwargs.bos_token', { chat_template_kwargs: { bos_token: '' } }],
    [
      'chat_template_kwargs.add_generation_prompt',
      { chat_template_kwargs: { add_generation_prompt: false } },
    ],
    ['chat_template_kwargs.tokenize', { chat_template_kwargs: { tokenize: false } }],
    ['chat_template_kwargs.raise_exception', { chat_template_kwargs: { raise_exception: 1 } }],
  ])('that do not fit together, or ask for what is not done, are refused: %s', (param, fields) => {
    expect(() => check(fields)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST', param }));
  });

  it.each([undefined, null, 5, 'text', []])('must be those of an object, not %j', (body) => {
    expect(() => parseChatFields(body)).toThrow('must be a JSON object');
  });
});
