import { randomUUID } from 'node:crypto';
import type { ToolCallDelta } from '@fovea/schemas/events';
import type { ToolCallChunk } from './chat-chunk.js';

interface Call {
  readonly place: number;
  id: string | undefined;
  name: string;
  /** Arguments that came before the name. */
  held: string;
  isAnnounced: boolean;
  hasArguments: boolean;
}

type Piece = Omit<ToolCallDelta, 'type' | 'index'>;

/** An object where JSON text belongs is written as the text it stands for. */
function argumentsOf(chunk: ToolCallChunk): string {
  const value = chunk.function?.arguments ?? '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * Puts the tool calls of one choice in order, whatever form they come in: with or without an index, an id once, every
 * time or never, the name before, beside or after the first piece of the arguments, a call in pieces or whole.
 */
export class ToolCallReader {
  readonly #calls: Call[] = [];
  readonly #byIndex = new Map<number, Call>();

  read(chunks: readonly ToolCallChunk[]): Piece[] {
    return chunks.flatMap((chunk) => this.#readChunk(chunk));
  }

  /**
   * Call when the choice has ended. A call without a single argument gets `{}`, so that its arguments are JSON. False in
   * `isComplete` when a call never got its name.
   */
  end(): { readonly pieces: Piece[]; readonly isComplete: boolean } {
    const isComplete = this.#calls.every((call) => call.isAnnounced);
    const bare = this.#calls.filter((call) => call.isAnnounced && !call.hasArguments);
    return { pieces: bare.map((call) => ({ call: call.place, arguments: '{}' })), isComplete };
  }

  #readChunk(chunk: ToolCallChunk): Piece[] {
    const call = this.#callOf(chunk);
    const text = argumentsOf(chunk);
    call.id ??= chunk.id || undefined;
    call.name ||= chunk.function?.name ?? '';
    if (text !== '') call.hasArguments = true;
    if (call.isAnnounced) return text === '' ? [] : [{ call: call.place, arguments: text }];
    call.held += text;
    if (call.name === '') return [];
    call.isAnnounced = true;
    // An engine without ids gets one for its call, or the client could not answer it.
    call.id ??= `call_${randomUUID().replaceAll('-', '')}`;
    return [{ call: call.place, id: call.id, name: call.name, arguments: call.held }];
  }

  /**
   * The call a piece belongs to. A new id together with a name opens a call even under an index that is taken: some
   * servers count every call as 0. A new id alone does not: others mint one per piece.
   */
  #callOf({ index, id, function: fn }: ToolCallChunk): Call {
    const current = index == null ? this.#calls.at(-1) : this.#byIndex.get(index);
    const name = fn?.name || undefined;
    const hasNewId = Boolean(id) && current?.id !== undefined && current.id !== id;
    const hasNewName = name !== undefined && current?.isAnnounced === true && current.name !== name;
    const isWholeAgain = index == null && !id && name !== undefined && current?.isAnnounced === true;
    const opens = current === undefined || (hasNewId && name !== undefined) || hasNewName || isWholeAgain;
    if (!opens) return current;
    const place = this.#calls.length;
    const call = { place, id: undefined, name: '', held: '', isAnnounced: false, hasArguments: false };
    this.#calls.push(call);
    if (index != null) this.#byIndex.set(index, call);
    return call;
  }
}
