import { jobErrors } from './job-errors.js';
import { errors, formBody, type Json, json, nice, type RouteSpec, ref } from './route-spec.js';

const recording = '(the bytes of a WAV, FLAC, MP3, OGG, M4A or WebM file)';
const text = (example: string): Json => ({ schema: { type: 'string' }, example });

/** Speech to text. */
export const audioRoutes: readonly RouteSpec[] = [
  {
    method: 'POST',
    path: '/transcribe',
    operationId: 'transcribe',
    summary: 'The text of a recording, with its times.',
    tag: 'Audio',
    parameters: [nice],
    request: formBody(ref('TranscribeForm'), {
      audiofile: recording,
      metadata: '{"model":"commands-asr","language":"en"}',
    }),
    answer: { description: 'The text.', content: json(ref('TranscribeAnswer')) },
    errorBody: 'PhariaError',
    errors: errors(...jobErrors, 'INVALID_AUDIO'),
  },
  {
    method: 'POST',
    path: '/audio/transcriptions',
    operationId: 'createTranscription',
    summary: 'The text of a recording, as OpenAI has it.',
    tag: 'Audio',
    parameters: [nice],
    request: formBody(ref('TranscriptionForm'), {
      file: recording,
      model: 'commands-asr',
      response_format: 'json',
    }),
    answer: {
      description: 'The text in the form that `response_format` names.',
      content: {
        ...json({ anyOf: [ref('TranscriptionAnswer'), ref('VerboseTranscription')] }),
        'text/plain': text('Good morning.'),
        'application/x-subrip': text('1\n00:00:00,000 --> 00:00:01,500\nGood morning.\n\n'),
        'text/vtt': text('WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nGood morning.\n\n'),
      },
    },
    errorBody: 'OpenAiError',
    errors: errors(...jobErrors, 'INVALID_AUDIO'),
  },
];
