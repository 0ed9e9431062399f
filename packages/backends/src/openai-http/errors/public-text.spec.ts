import { describe, expect, it } from '@jest/globals';
import { toLogText, toPublicText } from './public-text.js';

describe('toPublicText', () => {
  it.each([
    ['n must be at least 1, got 0.', 'n must be at least 1, got 0.'],
    ['bad model Qwen/Qwen2.5-VL at ratio 16:9', 'bad model Qwen/Qwen2.5-VL at ratio 16:9'],
    ['ValueError: wrong', 'wrong'],
    ['wrong thing None', 'wrong thing'],
    ['wrong (parameter=stop, value=["secret"])', 'wrong'],
    ['see http://10.0.0.5:8000/v1?key=1, please', 'see …, please'],
    ['no route to 10.0.0.5:8000', 'no route to …'],
    ['no route to [fe80::1]:8000 today', 'no route to … today'],
    ["pool(host='engine-3', port=8000) failed", 'pool(…) failed'],
    ['connect engine-3.internal:8000 failed', 'connect … failed'],
    ['cannot read <_io.BytesIO object at 0x7f00>', 'cannot read an object'],
    ['pointer 0x7f3a5c0b1d50 freed', 'pointer … freed'],
    ['in /usr/local/lib/python3.12/site-packages/vllm/x.py now', 'in … now'],
    ['Bearer abc.def-1 refused', '… refused'],
    ['got data:image/png;base64,iVBORw0KGgo= there', 'got … there'],
    [`got ${'A'.repeat(200)} there`, 'got … there'],
    ['two\n  lines', 'two lines'],
    // vLLM's own words, as they are.
    ["Unknown model 'x', did you mean 'y'?", "Unknown model 'x', did you mean 'y'?"],
    ['temperature must be non-negative, got -1.', 'temperature must be non-negative, got -1.'],
    [
      "Out of vocabulary token '<|im_start|>' at position 3",
      "Out of vocabulary token '<|im_start|>' at position 3",
    ],
    ['stop cannot contain an empty string.', 'stop cannot contain an empty string.'],
    [
      'Stream options can only be defined when `stream=True`.',
      'Stream options can only be defined when `stream=True`.',
    ],
    [
      'token_id(s) [151936] in logit_bias contain out-of-vocab token ids. Vocabulary size: 151936',
      'token_id(s) [151936] in logit_bias contain out-of-vocab token ids. Vocabulary size: 151936',
    ],
    ['The thinking tag </think> is not closed', 'The thinking tag </think> is not closed'],
    [
      'Requested sample logprobs of 30, which is greater than max allowed: 20',
      'Requested sample logprobs of 30, which is greater than max allowed: 20',
    ],
    [
      'jinja2.exceptions.TemplateError: Conversation roles must alternate user/assistant/user/assistant/...',
      'Conversation roles must alternate user/assistant/user/assistant/...',
    ],
    ['ValueError: TypeError: wrong', 'wrong'],
    ['vllm.exceptions.VLLMValidationError: wrong (parameter=top_p, value={"k": "v"})', 'wrong'],
    ['The model `/models/secret-7b` is busy', 'The model `…` is busy'],
    ['The model `/data` is busy', 'The model `…` is busy'],
    // PIL and HTTP clients.
    [
      'cannot identify <PIL.PngImagePlugin.PngImageFile image mode=RGB size=1x1 at 0x7F12AB34CD56>',
      'cannot identify an object',
    ],
    ['cannot write mode <function convert at 0x7f12ab34cd56> as PNG', 'cannot write mode an object as PNG'],
    ['Cannot connect to host engine-3.internal:8000 ssl:default', 'Cannot connect to host … ssl:default'],
    ['no answer from vllm-0.vllm.svc.cluster.local in time', 'no answer from … in time'],
    ['no answer from localhost in time', 'no answer from … in time'],
    ['connect to fe80::1ff:fe23:4567:890a failed', 'connect to … failed'],
    ['connect to 2001:0db8:85a3:0000:0000:8a2e:0370:7334 failed', 'connect to … failed'],
    ['connect to ::1 failed', 'connect to … failed'],
    ['socket ipc:///tmp/3f2a-9b broke', 'socket … broke'],
    ["open('/srv/blobs/ab cd.png') failed", "open('… cd.png') failed"],
    ['nothing at C:\\Users\\max\\.cache\\x.bin now', 'nothing at … now'],
    ['nothing in ~/.cache/huggingface/hub now', 'nothing in … now'],
    ['wrong at vllm/entrypoints/openai/serving_chat.py:312', 'wrong at …'],
    ['wrong at serving_chat.py', 'wrong at …'],
    // Keys and media.
    ['Incorrect API key provided: sk-live-abcdef123456', 'Incorrect API key provided: …'],
    ['Bearer eyJhbGciOi.eyJzdWIi.c2ln-x refused', '… refused'],
    ['token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl refused', 'token … refused'],
    ["wrong api_key='abc def'", "wrong … def'"],
    ['wrong password: hunter2', 'wrong …'],
    ['wrong hf_abcdefghijklmnop and AKIAABCDEFGHIJKLMNOP', 'wrong … and …'],
    ['got data:image/png;charset=utf-8;base64,iVBORw0KGgo_-%3D= there', 'got … there'],
    ['got data:,aGVsbG8= there', 'got … there'],
    [`got ${'iVBORw0KGgo='.repeat(5)} there`, 'got … there'],
    ["got b'\\x89PNG\\r\\n\\x1a' there", 'got … there'],
    ['got \\x89\\x50\\x4e\\x47 there', 'got … there'],
    ['wrong mm_hash b6e4c1d09f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c', 'wrong mm_hash …'],
    // What a terminal or a reader could be fooled with.
    ['\u001b[31mwrong\u001b[0m thing', 'wrong thing'],
    ['wrong\u202e\u200b thing\u0000', 'wrong thing'],
  ])('shows %j as %j', (message, expected) => {
    expect(toPublicText(message)).toBe(expected);
  });

  it.each([
    ["[{'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required', 'input': {'k': 'v'}}]"],
    ['1 validation error for ChatCompletionRequest\nmessages\n  Field required'],
    ['Traceback (most recent call last):\n  File "/x.py", line 1'],
    ["Value error, bad [type=value_error, input_value={'url': 'x'}, input_type=dict]"],
    ['Field required\n    For further information visit https://errors.pydantic.dev/2.11/v/missing'],
    ["[Errno 2] No such file or directory: '/data'"],
    ["'NoneType' object has no attribute 'shape'"],
    ["unsupported operand type(s) for +: 'NoneType' and 'int'"],
    ["create_chat_completion() got an unexpected keyword argument 'foo'"],
    ["__init__() missing 1 required positional argument: 'x'"],
    ['CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.15 GiB'],
    ['Expected all tensors to be on the same device, found torch.Size([1, 3])'],
    ["got tensor([[1, 2]], device='cuda:0')"],
    ['bad SamplingParams(n=1, temperature=-1.0)'],
    ["HTTPConnectionPool(host='10.0.0.5', port=8000): Max retries exceeded with url: /v1/chat"],
    ['<html><head><title>502 Bad Gateway</title></head><body>nginx/1.27</body></html>'],
    ['upstream said: <!DOCTYPE html><p>no</p>'],
    ['{"unlike":"anything","host":"engine-3"}'],
    [''],
    ['…'],
  ])('shows nothing of %j', (message) => {
    expect(toPublicText(message)).toBeUndefined();
  });

  it('is never longer than 300 characters', () => {
    expect(toPublicText('word '.repeat(200))).toHaveLength(300);
  });

  it.each([
    ['a.'],
    ['a-'],
    ['<'],
    ['/a'],
    ['a/'],
    ['0:'],
    ['x='],
    ['a('],
    ['\\x4'],
    ["b'"],
    ['data:;'],
    ['bearer '],
    ['secret '],
    ['Error:'],
    ['(parameter='],
    [' '],
    ['\n'],
    ['[:'],
    ['\u001b['],
  ])('is done in no time with a message made of %j', (piece) => {
    const message = piece.repeat(16_384 / piece.length);
    const startedAt = process.cpuUsage();
    toPublicText(message);
    toLogText(message);
    const { user, system } = process.cpuUsage(startedAt);
    // CPU time, not time of day; quadratic patterns took a hundred times as long.
    expect(user + system).toBeLessThan(1_000_000);
  });
});

describe('toLogText', () => {
  it.each([
    ['at http://10.0.0.5:8000/v1 in /srv/x.py', 'at http://10.0.0.5:8000/v1 in /srv/x.py'],
    ['key sk-live-abcdef123456, data:image/png;base64,iVBORw0KGgo=', 'key …, …'],
    [`input_value='${'QUJD'.repeat(18)}\n${'REVG'.repeat(18)}'`, "input_value='…\n…'"],
    ["input_value=b'\\x89PNG'", 'input_value=…'],
  ])('shows %j as %j', (message, expected) => {
    expect(toLogText(message)).toBe(expected);
  });

  it('is never longer than 2000 characters', () => {
    expect(toLogText('word '.repeat(2000))).toHaveLength(2000);
  });
});
