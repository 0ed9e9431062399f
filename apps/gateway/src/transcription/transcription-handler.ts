import type { BlobStore } from '@fovea/blob-store';
import type { GenerationEvent, Usage } from '@fovea/schemas/events';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { beginAnswer, collectEvents } from '../tasks/begin-answer.js';
import { setAnswerHeaders } from '../tasks/request-head.js';
import type { TaskRoute } from '../tasks/task-route.js';
import { type ParsedForm, parseOpenAiForm, parsePhariaForm } from './question.js';
import { type RecordingForm, readRecordingForm } from './read-recording-form.js';
import { storeRecording } from './recording.js';
import type { SubmitTranscription } from './submit-transcription.js';
import { type Transcript, toTranscript } from './transcript.js';
import { toTranscribeAnswer, toTranscriptionAnswer } from './transcription-wire.js';

/** One dialect: where the recording stands in the form, what is asked, and how the answer is written. */
interface Dialect {
  readonly file: string;
  parse(form: RecordingForm): ParsedForm;
  write(
    transcript: Transcript,
    usage: Usage,
    parsed: ParsedForm,
  ): { readonly type: string; readonly body: string };
}

const pharia: Dialect = {
  file: 'audiofile',
  parse: parsePhariaForm,
  write: (transcript, usage) => ({
    type: 'application/json; charset=utf-8',
    body: JSON.stringify(toTranscribeAnswer(transcript, usage)),
  }),
};

const openAi: Dialect = {
  file: 'file',
  parse: parseOpenAiForm,
  write: (transcript, _usage, { format }) => toTranscriptionAnswer(transcript, format),
};

/** `POST /transcribe` and `POST /audio/transcriptions`: a recording goes to the blob store while it arrives. */
export class TranscriptionHandler {
  constructor(
    private readonly route: TaskRoute,
    private readonly transcription: SubmitTranscription,
    private readonly blobs: BlobStore,
  ) {}

  transcribe(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    return this.#run(request, reply, pharia);
  }

  create(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    return this.#run(request, reply, openAi);
  }

  #run(request: FastifyRequest, reply: FastifyReply, { file, parse, write }: Dialect): Promise<void> {
    return this.route.run(request, reply, {
      read: (asker) =>
        this.route.readForm(request, reply, asker, (parts) =>
          readRecordingForm(parts, file, (bytes, part) => storeRecording(bytes, part, this.blobs, asker)),
        ),
      accept: async (form, asker) => {
        const parsed = parse(form);
        return { ...(await this.transcription.submit(parsed.question, asker)), parsed };
      },
      answer: async ({ parsed, entries }, _exchange, telemetry) => {
        const begun = await beginAnswer(entries);
        const { queueTimeMs } = begun;
        telemetry.firstOutput(queueTimeMs);
        const events: GenerationEvent[] = [];
        const { usage } = await collectEvents(begun.entries, (event) => events.push(event));
        setAnswerHeaders(reply, { ignored: parsed.ignored, queueTimeMs });
        const { type, body } = write(toTranscript(events), usage, parsed);
        reply.code(200).header('content-type', type).send(body);
        return { status: 200, usage, queueTimeMs, error: undefined };
      },
    });
  }
}
