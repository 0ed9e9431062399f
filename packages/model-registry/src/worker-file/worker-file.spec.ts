import { modelPackageSchema } from '@fovea/schemas/model-package';
import { describe, expect, it } from '@jest/globals';
import { parseWorkerFile } from './parse-worker-file.js';
import { toModelPackage } from './to-model-package.js';
import { WorkerFileError } from './worker-file-error.js';

const minimal = `
edition = 1
[generator]
type = "onnx"
[queue]
checkpoint_name = "ocr"
version = 3
[queue.models."ocr"]
`;

/** As it was written for a worker that embeds vLLM. */
const foreign = `
edition = 1
[generator]
type = "vllm"
model_path = "../weights"
max_model_len = 8192
max_num_seqs = 8
token_budget = 60000
tensor_parallel_size = 1
pipeline_parallel_size = 1
[generator.structured_output]
supported_types = ["json_schema"]
[queue]
url = "http://gateway:8080"
token = "worker-secret"
checkpoint_name = "vlm"
version = 1
tags = ["internal"]
http_request_retries = 7
[queue.models."z model"]
description = "Text only"
[queue.models.a]
description = "With pictures"
maximum_completion_tokens = 2048
multimodal_enabled = true
[queue.models.a.chat_task]
supported = true
[monitoring]
metrics_port = 4001
tcp_probes = []
`;

function problemsOf(text: string): WorkerFileError {
  try {
    parseWorkerFile(text, '/etc/w.toml');
  } catch (error) {
    if (error instanceof WorkerFileError) return error;
    throw error;
  }
  throw new Error('no WorkerFileError was thrown');
}

describe('parseWorkerFile', () => {
  it('needs little and fills in the rest', () => {
    expect(parseWorkerFile(minimal, '/etc/w.toml')).toEqual({
      generator: { type: 'onnx', urls: [], cacheSalt: false, imageUuid: false },
      queue: {
        checkpointName: 'ocr',
        version: 3,
        tags: [],
        waitForWorkerS: 0,
        capabilities: { tools: false, structuredOutput: [], reasoning: 'separate', tokenizer: false },
        models: [
          {
            name: 'ocr',
            description: '',
            multimodalEnabled: false,
            chat: false,
            completion: false,
            transcription: false,
            embedding: false,
            embeddingPrefixes: null,
            rerank: false,
            maximumCompletionTokens: null,
            aligned: false,
            promptTemplate: '',
            modelCard: null,
          },
        ],
      },
      monitoring: { metricsPort: 4000 },
      warnings: [],
    });
  });

  it('takes a file of a worker that embeds its engine, and says what it ignores', () => {
    const file = parseWorkerFile(foreign, '/etc/fovea/w.toml');
    expect(file.generator).toEqual({
      type: 'vllm',
      urls: [],
      cacheSalt: true,
      imageUuid: true,
      modelPath: '/etc/weights',
      maxModelLen: 8192,
      maxNumSeqs: 8,
      tokenBudget: 60_000,
    });
    expect(file.queue.url).toBeUndefined();
    expect(file.queue.models.map((model) => [model.name, model.chat, model.multimodalEnabled])).toEqual([
      ['a', true, true],
      ['z model', false, false],
    ]);
    expect(file.monitoring.metricsPort).toBe(4001);
    expect(file.warnings).toHaveLength(2);
    expect(file.warnings.join()).toMatch(/queue\.token.*queue\.url/);
    expect(file.warnings.join()).not.toContain('worker-secret');
  });

  it('takes our own keys', () => {
    const text = minimal
      .replace(
        'type = "onnx"',
        'type = "vllm"\nurl = ["http://a:1/", "https://b"]\nmedia_path = "/blobs"\napi_key_file = "key"',
      )
      .replace(
        'version = 3',
        'version = 3\nurl = "rediss://:p@h:1"\nwait_for_worker_s = 90.5\nextensions = ["top_k"]',
      );
    const file = parseWorkerFile(text, '/etc/w.toml');
    expect(file.generator).toMatchObject({
      urls: ['http://a:1', 'https://b'],
      mediaPath: '/blobs',
      apiKeyFile: '/etc/key',
    });
    expect(file.queue).toMatchObject({ url: 'rediss://:p@h:1', waitForWorkerS: 90.5, extensions: ['top_k'] });
    expect(file.warnings).toEqual([]);
    expect(
      parseWorkerFile(minimal.replace('[queue]', 'url = "http://a"\n[queue]'), 'w').generator.urls,
    ).toEqual(['http://a']);
  });

  it('warns of unknown keys by their path, in every section', () => {
    const text = `${minimal}multimodal_enable = true\nchat_task.suported = true\n[monitoring]\nport = 1\n[checkpoint]\nx = 1\n`;
    expect(parseWorkerFile(text, 'w').warnings).toEqual([
      'queue.models."ocr".multimodal_enable (line 9, column 1) is unknown and ignored',
      'queue.models."ocr".chat_task.suported (line 10, column 1) is unknown and ignored',
      'monitoring.port (line 12, column 1) is unknown and ignored',
      'checkpoint (line 13, column 1) is unknown and ignored',
    ]);
  });

  it('reports every problem at once with its path', () => {
    const error = problemsOf(`
edition = 2
[generator]
type = "gguf"
url = "unix:/x"
max_num_seqs = 0
[queue]
checkpoint_name = ""
version = "1"
tags = "a"
[queue.models."my model"]
multimodal_enabled = "yes"
maximum_completion_tokens = 1.5
chat_task.supported = 1
`);
    expect(Object.fromEntries(error.problems.map((problem) => [problem.where, problem.found]))).toEqual({
      edition: '2',
      'generator.type': '"gguf"',
      'generator.url': 'a string',
      'generator.max_num_seqs': '0',
      'queue.checkpoint_name': '""',
      'queue.version': '"1"',
      'queue.tags': '"a"',
      'queue.models."my model".multimodal_enabled': '"yes"',
      'queue.models."my model".maximum_completion_tokens': '1.5',
      'queue.models."my model".chat_task.supported': '1',
    });
    expect(error.format()).toContain(
      '  queue.version (line 9, column 1): found "1", expected a whole number of at least 0',
    );
    expect(error.format()).toContain(
      '  queue.models."my model".chat_task.supported (line 14, column 1): found 1, expected a boolean',
    );
    expect(error.format()).toMatch(/^\/etc\/w\.toml cannot be used:\n/);
  });

  it('reports what is missing', () => {
    const error = problemsOf('[queue]\nversion = 1\n');
    expect(error.problems.map((problem) => `${problem.where} ${problem.found}`)).toEqual([
      'edition nothing',
      'generator nothing',
      'queue.checkpoint_name nothing',
      'queue.models nothing',
    ]);
    expect(problemsOf(minimal.replace('[queue.models."ocr"]', '[queue.models]')).format()).toContain(
      'at least one table',
    );
  });

  it('names unknown keys beside the problems: one may be what is missing', () => {
    const error = problemsOf(minimal.replace('checkpoint_name', 'checkpointname'));
    expect(error.problems).toMatchObject([
      { where: 'queue.checkpoint_name', found: 'nothing', position: { line: 5, column: 1 } },
    ]);
    expect(error.warnings).toEqual(['queue.checkpointname (line 6, column 1) is unknown and ignored']);
  });

  it('gives line and column of a syntax error, without the text of the file', () => {
    const error = problemsOf('edition = 1\n[queue]\ntoken = "hunter2\n');
    expect(error.problems[0]?.position).toEqual({ line: 3, column: expect.any(Number) });
    expect(error.format()).toMatch(/the file \(line 3, column \d+\): found /);
    expect(error.format()).not.toContain('hunter2');
  });

  it('never shows tokens, keys or addresses', () => {
    const error = problemsOf(
      `edition = 1\n[generator]\ntype = "onnx"\nurl = "me:hunter2@x"\napi_key_file = ["hunter2"]\n[queue]\ntoken = "hunter2"\n`,
    );
    expect(error.format()).not.toContain('hunter2');
  });

  it('refuses names that would reach a prototype, deep nesting and huge files', () => {
    expect(problemsOf(`${minimal}\n[queue.models."__proto__"]\naligned = true`).problems).toHaveLength(1);
    expect(problemsOf(`${minimal}\nx = ${'['.repeat(100)}${']'.repeat(100)}`).problems).toHaveLength(1);
    expect(problemsOf('#'.repeat(2_000_000)).format()).toContain('2000000 characters');
  });
});

describe('toModelPackage', () => {
  it('makes a package of what is not host-local and what the engine says', () => {
    const modelPackage = toModelPackage(parseWorkerFile(foreign, '/w'), {
      maxModelLen: 4096,
      imageProcessor: null,
    });
    expect(modelPackageSchema.parse(modelPackage)).toEqual(modelPackage);
    expect(modelPackage).toMatchObject({
      checkpoint: 'vlm',
      version: 1,
      tags: ['internal'],
      generatorType: 'vllm',
      maxModelLen: 4096,
      waitForWorkerS: 0,
    });
    expect(JSON.stringify(modelPackage)).not.toMatch(/weights|gateway:8080|4001|8192/);
  });

  it('lists the extensions of the generator type, or those of the file', () => {
    const extensionsOf = (text: string) =>
      toModelPackage(parseWorkerFile(text, '/w'), { maxModelLen: 1, imageProcessor: null }).extensions;
    const onnx = ['top_k', 'min_p', 'repetition_penalty', 'stop_token_ids', 'min_tokens', 'ignore_eos'];
    expect(extensionsOf(minimal)).toEqual(onnx);
    expect(extensionsOf(foreign)).toEqual(
      expect.arrayContaining([...onnx, 'structured_outputs', 'guided_json', 'reasoning_effort']),
    );
    expect(extensionsOf(minimal.replace('version = 3', 'version = 3\nextensions = []'))).toEqual([]);
  });

  it('does not depend on the order of the tables in the file', () => {
    const one = '[queue.models.a]\n[queue.models.b]\n';
    const other = '[queue.models.b]\n[queue.models.a]\n';
    const packageOf = (models: string) =>
      toModelPackage(parseWorkerFile(minimal.replace('[queue.models."ocr"]', models), '/w'), {
        maxModelLen: 1,
        imageProcessor: null,
      });
    expect(packageOf(one)).toEqual(packageOf(other));
  });
});
