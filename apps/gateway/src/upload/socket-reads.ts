import type { IncomingMessage } from 'node:http';
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';

/** A shorter body is there before it would be worth it. */
const MIN_BYTES = 1024 * 1024;
/** So much is read before the event loop turns; those that read share it, and each may do one read. */
const TURN_BYTES = 512 * 1024;

/** What Node's HTTP parser is to its own JavaScript; nothing of it is documented. */
interface Parser {
  readonly incoming?: IncomingMessage | null;
  readonly constructor: { readonly kOnBody?: number };
  execute?(bytes: Buffer): number | Error;
  [callback: number]: unknown;
}

interface Internals {
  readonly parser?: Parser | null;
  readonly _handle?: { useUserBuffer?(buffer: Buffer): void } | null;
  [symbol: symbol]: unknown;
}

/** The names under which a socket keeps the buffer that it reads into, and whom it tells (its option `onread`). */
interface Keys {
  readonly buffer: symbol;
  readonly callback: symbol;
}

const keys = findKeys();

function findKeys(): Keys | undefined {
  const onread: OnReadOpts = { buffer: Buffer.alloc(1), callback: () => true };
  // The types know this option of `connect` only.
  const probe = new Socket({ onread } as SocketConstructorOpts);
  const internals = probe as unknown as Internals;
  const names = Object.getOwnPropertySymbols(probe);
  const buffer = names.find((name) => internals[name] === onread.buffer);
  const callback = names.find((name) => internals[name] === onread.callback);
  probe.destroy();
  return buffer === undefined || callback === undefined ? undefined : { buffer, callback };
}

/** The body that a socket is reading. */
interface Body {
  current: SocketReads | undefined;
}

/** Sockets that read into our buffer. Once they do, they do so for good. */
const bodies = new WeakMap<Socket, Body>();

/** How many bodies are being read. */
let openCount = 0;

/** Hears of each piece of the body. The memory is used again when it returns. */
export type LentPiece = (piece: Buffer) => void;

export interface ReadsOptions {
  /** Where the kernel puts what came. One for all sockets: each read is used up before the next one. */
  readonly buffer: Buffer;
  /** Bytes of the body that are yet to come. */
  readonly leftBytes: number;
  readonly onPiece: LentPiece;
}

/**
 * The rest of a large body, read from its socket into memory that is used again and again. By Node's own way each 64 KiB are
 * read into one buffer and copied into a new one, which is twice the cost of the read itself.
 *
 * The parser is not left out: it is fed every byte, but told to hand on none, so all it knows is true (where the body ends,
 * what follows, whether the connection is kept). What comes behind the body, or when nobody reads it any more,
 * goes the usual way.
 */
export class SocketReads {
  #leftBytes: number;
  #turnBytes = 0;
  #isHeld = false;

  private constructor(
    private readonly socket: Socket,
    private readonly parser: Required<Pick<Parser, 'execute'>> & Parser,
    private readonly request: IncomingMessage,
    private readonly options: ReadsOptions,
  ) {
    this.#leftBytes = options.leftBytes;
  }

  /** Whether so much is left of a body of known length that it pays to change the way. */
  static isWorthIt({ headers }: IncomingMessage, leftBytes: number): boolean {
    return headers['transfer-encoding'] === undefined && leftBytes >= MIN_BYTES;
  }

  /**
   * Undefined where the usual way is the only one: TLS, or a Node in which something of this is
   * other than we know it. To be called when the request has handed on all that it was given, and not from
   * inside an event of it: the parser is at work then.
   */
  static open(request: IncomingMessage, options: ReadsOptions): SocketReads | undefined {
    const { socket } = request;
    const { parser } = socket as unknown as Internals;
    const isSuitable =
      SocketReads.isWorthIt(request, options.leftBytes) &&
      Object.getPrototypeOf(socket) === Socket.prototype &&
      !socket.destroyed;
    if (!isSuitable || keys === undefined || parser?.incoming !== request || !canSkip(parser))
      return undefined;
    const body = bodies.get(socket) ?? divert(socket, keys, options.buffer);
    if (body === undefined) return undefined;
    body.current?.close();
    body.current = new SocketReads(socket, parser, request, options);
    openCount += 1;
    return body.current;
  }

  /** Reads no more of the body until `resume`. */
  hold(): void {
    this.#isHeld = true;
    if (this.#leftBytes > 0) this.socket.pause();
  }

  resume(): void {
    this.#isHeld = false;
    this.socket.resume();
  }

  /** What is left of the body comes by the request again, once somebody resumes the socket. */
  close(): void {
    const body = bodies.get(this.socket);
    if (body?.current !== this) return;
    body.current = undefined;
    openCount -= 1;
    if (this.#leftBytes > 0) this.socket.pause();
  }

  /** Takes what belongs to the body; returns how many bytes that was. */
  take(bytes: Buffer): number {
    const piece = bytes.subarray(0, this.#leftBytes);
    if (this.parser.incoming !== this.request || !this.#skip(piece)) {
      this.close();
      this.socket.resume();
      return 0;
    }
    this.#leftBytes -= piece.length;
    this.#turnBytes += piece.length;
    if (this.#leftBytes === 0) this.close();
    else if (this.#turnBytes * openCount >= TURN_BYTES) this.#turn();
    this.options.onPiece(piece);
    return piece.length;
  }

  #turn(): void {
    this.#turnBytes = 0;
    this.socket.pause();
    setImmediate(() => {
      if (!this.#isHeld && bodies.get(this.socket)?.current === this) this.socket.resume();
    });
  }

  /** Moves the parser behind bytes of the body. Parsers are used again for other connections, so nothing stays changed. */
  #skip(piece: Buffer): boolean {
    const { parser } = this;
    const at = parser.constructor.kOnBody ?? 0;
    const onBody = parser[at];
    parser[at] = undefined;
    try {
      return parser.execute(piece) === piece.length;
    } finally {
      parser[at] = onBody;
    }
  }
}

function canSkip(parser: Parser): parser is Required<Pick<Parser, 'execute'>> & Parser {
  const { kOnBody } = parser.constructor;
  return (
    kOnBody !== undefined && typeof parser[kOnBody] === 'function' && typeof parser.execute === 'function'
  );
}

/** From now on the socket tells us what it has read, and we tell the parser. */
function divert(socket: Socket, { buffer, callback }: Keys, into: Buffer): Body | undefined {
  const internals = socket as unknown as Internals;
  const handle = internals._handle;
  if (typeof handle?.useUserBuffer !== 'function') return undefined;
  // Whoever listens to the bytes of a socket gets them before the parser, which else reads past JavaScript.
  const noop = (): void => {};
  socket.on('data', noop).off('data', noop);
  const body: Body = { current: undefined };
  internals[buffer] = into;
  internals[callback] = (byteSize: number): boolean => {
    const bytes = into.subarray(0, byteSize);
    const taken = body.current?.take(bytes) ?? 0;
    return taken === byteSize || socket.push(Buffer.from(bytes.subarray(taken)));
  };
  handle.useUserBuffer(into);
  bodies.set(socket, body);
  return body;
}
