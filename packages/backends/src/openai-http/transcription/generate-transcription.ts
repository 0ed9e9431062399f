import { FoveaError } from '@fovea/errors';
import type { GenerationEvent } from '@fovea/schemas/events';
import type { TranscriptionGeneration } from '../../index.js';
import { headersOf } from '../answer/ask-answer.js';
import { toFoveaError } from '../errors/engine-error.js';
import { parseJson, readErrorBody } from '../errors/engine-report.js';
import { Deadline, type DeadlineOptions } from '../transport/deadline.js';
import { type EngineConnection, headerOf, readText, toBackendError } from '../transport/engine-connection.js';
import { createFormBody } from '../transport/form-body.js';
import { readTranscription } from './read-transcription.js';

type Form = 'verbose_json' | 'json';

/** Hours of speech with the tokens of every segment. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** vLLM refuses this form for speech models that give no times. */
const aboutForm = /verbose_json/i;

/**
 * One recording on the engine. Times are asked for; an engine whose model has none is asked again without, and then only
 * the text is known.
 */
export async function* generateTranscription(
  connection: EngineConnection,
  request: TranscriptionGeneration,
  options: DeadlineOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly GenerationEvent[]> {
  const deadline = new Deadline(signal, options);
  try {
    deadline.signal.throwIfAborted();
    let answer = await ask(connection, request, 'verbose_json', deadline);
    if (answer === undefined) answer = await ask(connection, request, 'json', deadline);
    yield readTranscription(answer);
  } catch (error) {
    throw deadline.signal.aborted ? deadline.signal.reason : toBackendError(error);
  } finally {
    deadline.dispose();
  }
}

/** The answer's JSON text; undefined when the engine does not know the form. */
async function ask(
  connection: EngineConnection,
  request: TranscriptionGeneration,
  form: Form,
  { signal }: Deadline,
): Promise<unknown> {
  const { audio } = request;
  const file = { name: 'file', fileName: 'audio', audio };
  const body = createFormBody(fieldsOf(request, form), file);
  const response = await connection.post('/v1/audio/transcriptions', body, headersOf(request), signal);
  const text = await readText(response, maxAnswerBytes);
  if (response.statusCode !== 200) {
    const report = readErrorBody(response.statusCode, text);
    if (form === 'verbose_json' && response.statusCode === 400 && aboutForm.test(report.message))
      return undefined;
    const retryAfter = headerOf(response, 'retry-after');
    throw toFoveaError(report, { imagePaths: [], audioPath: audio.path, promptField: 'prompt', retryAfter });
  }
  const value = parseJson(text);
  if (value !== undefined) return value;
  throw new FoveaError('BACKEND_ERROR', { detail: 'the engine answered no JSON to a recording' });
}

function fieldsOf(
  { model, language, prompt, temperature }: TranscriptionGeneration,
  form: Form,
): [string, string][] {
  const fields: [string, string][] = [
    ['model', model],
    ['response_format', form],
  ];
  if (form === 'verbose_json') fields.push(['timestamp_granularities[]', 'segment']);
  if (language !== undefined) fields.push(['language', language]);
  if (prompt !== undefined) fields.push(['prompt', prompt]);
  if (temperature !== undefined) fields.push(['temperature', `${temperature}`]);
  return fields;
}
