import type { ModelListing } from '@fovea/model-registry';
import type { ChatRequestWire } from '@fovea/schemas/http';
import type { ChatTask } from '@fovea/schemas/jobs';
import type { StreamEntry } from '@fovea/token-stream';
import { assertPromptCanFit, chatPieces, promptTokensAtLeast } from '../admission/prompt-tokens.js';
import type { FileShelf } from '../files/file-shelf.js';
import { namedFiles } from '../files/named-files.js';
import type { ReadBody } from '../ingest/body-reader.js';
import { type ModelDirectory, requireImages, requireOffer, requireWorker } from '../tasks/model-directory.js';
import type { Asker, SubmitJob } from '../tasks/submit-job.js';
import type { Accepted } from '../tasks/task-route.js';
import {
  type ChatRequest,
  parseChatRequest,
  type TranslatedChat,
  toChatTask,
} from './request/to-chat-task.js';

/** A request that was accepted, and the entries of its answer as they come. */
export interface AcceptedChat extends Accepted {
  readonly wire: ChatRequestWire;
  readonly listing: ModelListing;
  readonly ignored: readonly string[];
  readonly entries: AsyncGenerator<StreamEntry>;
}

/** Accepts a chat request: model, capabilities, lane, queue; or throws the catalogue error that says why not. */
export class AcceptChat {
  constructor(
    private readonly models: ModelDirectory,
    private readonly jobs: SubmitJob,
    private readonly files: FileShelf,
  ) {}

  async accept(body: ReadBody, asker: Asker): Promise<AcceptedChat> {
    const request = parseChatRequest(body.value);
    const listing = await this.models.find(request.wire.model);
    const chat = toChatTask(request, await this.#media(request, body, asker), listing.package);
    const isRaw = listing.model.completion;
    requireOffer(listing, 'chat', isRaw ? 'It goes on from raw prompts: ask /complete.' : undefined);
    requireImages(listing, firstImagePath(chat));
    requireWorker(listing);
    const entries = await this.#submit(listing, chat, asker);
    const { ignored, blobs } = chat;
    const { wire } = request;
    return { wire, listing, model: listing.model.name, images: blobs.length, ignored, entries };
  }

  /** What was sent with the request, and what was sent before and is only named. */
  async #media(
    { wire }: ChatRequest,
    { media }: ReadBody,
    { tenant, requestId }: Asker,
  ): Promise<ReadBody['media']> {
    const named = namedFiles(wire.messages);
    if (named.length === 0) return media;
    return new Map([...media, ...(await this.files.claim(named, { tenant, requestId }))]);
  }

  #submit(listing: ModelListing, chat: TranslatedChat, asker: Asker): Promise<AsyncGenerator<StreamEntry>> {
    const { task, blobs } = chat;
    const prompt = promptTokensAtLeast(chatPieces(task.messages, blobs), listing.package);
    assertPromptCanFit(prompt, listing.package.maxModelLen);
    const { messages, tools, responseFormat, extensions, ...short } = task;
    return this.jobs.submit(
      {
        listing,
        lane: blobs.length > 0 ? 'media' : 'text',
        blobs,
        content: Buffer.from(JSON.stringify({ messages, tools, responseFormat, extensions })),
        short,
        toTask: (blob): ChatTask => (blob === undefined ? task : { ...short, messages: { blob } }),
        estimatedPromptTokens: prompt.isWhole ? prompt.atLeast : undefined,
      },
      asker,
    );
  }
}

function firstImagePath({ task }: TranslatedChat): string | undefined {
  for (const { content } of task.messages) {
    for (const part of content) if (part.type === 'image') return part.path;
  }
  return undefined;
}
