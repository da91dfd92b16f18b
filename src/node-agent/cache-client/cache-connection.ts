import { connect as connectPlain, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { LarderError } from '../../kit/errors.ts';
import { parseAnswerHead, type AnswerHead } from './answer-head.ts';
import { createChunkedBody, type ChunkedBody } from './chunked-body.ts';
import type { Slabs } from './slabs.ts';

/** Larder sends at most this much before the body. */
const MAX_HEAD_BYTES = 64 * 1024;
/** A buffer with less room than one TLS record is replaced. */
const LEAST_ROOM = 16 * 1024;
/** Bytes the client has not taken. Above this limit the connection is not read. */
const MOST_UNDERWAY = 256 * 1024;
/** TCP keep-alive after 30 s idle; fails 10 s later. */
const KEEP_ALIVE_MS = 30_000;

/** Receives one answer: `head`, pieces of the body, then `end` or `failed`. */
export interface AnswerReceiver {
  head(head: AnswerHead): void;
  /** The receiver calls `taken` as soon as it no longer needs the bytes, or never if it cannot know. */
  body(piece: Buffer, taken: () => void): void;
  end(): void;
  /** `answered`: part of the answer had arrived. */
  failed(error: Error, answered: boolean): void;
}

/** A connection to a cache. */
export interface CacheConnection {
  /** Resolves once the connection can carry a request. Rejects if it never can. */
  readonly ready: Promise<void>;
  /** False during an answer, while the client has not taken all bytes, and after the connection is closed. */
  readonly isIdle: boolean;
  /** Sends a request, one at a time. */
  ask(request: Buffer | string, isHead: boolean, receiver: AnswerReceiver): void;
  destroy(error?: Error): void;
}

export interface ConnectionEvents {
  /** The host has accepted the connection, whatever its process does. */
  readonly onReach: () => void;
  /** The client has taken a complete answer, and the connection can carry another request. */
  readonly onIdle: () => void;
  readonly onClose: () => void;
}

/** Address of a cache and the TLS settings to verify it. */
export interface CacheAddress {
  readonly host: string;
  readonly port: number;
  /** Undefined: without TLS. */
  readonly tls: Pick<ConnectionOptions, 'servername' | 'secureContext'> | undefined;
}

/**
 * Connects. Reads answers into reused buffers and passes them on in pieces as large as the client's pace allows. node:https hands each TLS
 * record (16 KiB) to JavaScript in a buffer of its own, which costs twice the CPU and more memory (bench/README.md).
 */
export function openCacheConnection(
  address: CacheAddress,
  slabs: Slabs,
  { onReach, onIdle, onClose }: ConnectionEvents,
): CacheConnection {
  let slab = slabs.take();
  /** Bytes `start` to `filled` of the slab have arrived and are not passed on yet. */
  let filled = 0;
  let start = 0;
  let reading: Reading | undefined;
  /** Bytes of the body to pass on; infinite until the end of a chunked body is known. */
  let left = 0;
  let chunks: ChunkedBody | undefined;
  let underway = 0;
  let isScheduled = false;
  let isReady = false;
  /** The answer is complete and the connection may be kept. */
  let isKept = false;

  const socket = openSocket(address, { buffer: () => slab.buffer.subarray(filled), callback: received });
  socket.once('connect', onReach);
  const ready = new Promise<void>((resolve, reject) => {
    socket.once(address.tls === undefined ? 'connect' : 'secureConnect', () => {
      isReady = true;
      resolve();
    });
    socket.on('error', reject);
    socket.once('close', () => reject(closed()));
  });
  ready.catch(() => {});
  let failure: Error | undefined;
  socket.on('error', (error) => (failure = error));
  socket.once('close', () => gone(failure));
  // Nothing flows but the end of the stream, which closes the connection.
  socket.resume();

  return {
    ready,
    get isIdle() {
      return isReady && reading === undefined && underway === 0 && !socket.destroyed;
    },
    ask(request, isHead, receiver) {
      reading = { receiver, isHead, head: undefined };
      socket.write(request);
    },
    destroy(error) {
      socket.destroy(error);
    },
  };

  /** Returns false to stop reading for now. */
  function received(length: number): boolean {
    const from = filled;
    filled += length;
    if (reading === undefined) {
      socket.destroy(new LarderError('UPSTREAM_BAD_ANSWER', 'the cache sent bytes without a request'));
      return false;
    }
    if (reading.head === undefined) readHead(reading);
    else readBody(reading, from);
    if (slab.buffer.length - filled < LEAST_ROOM) nextSlab();
    return underway < MOST_UNDERWAY;
  }

  function readHead(current: Reading): void {
    const end = slab.buffer.subarray(start, filled).indexOf('\r\n\r\n');
    if (end === -1) {
      if (filled - start > MAX_HEAD_BYTES)
        socket.destroy(
          new LarderError(
            'UPSTREAM_BAD_ANSWER',
            `the cache sent headers of more than ${MAX_HEAD_BYTES} bytes`,
          ),
        );
      return;
    }
    const text = slab.buffer.toString('latin1', start, start + end);
    try {
      current.head = parseAnswerHead(text, current.isHead);
    } catch (error) {
      socket.destroy(error as Error);
      return;
    }
    start += end + 4;
    const { bodyBytes } = current.head;
    if (bodyBytes === 'chunked') chunks = createChunkedBody();
    left = bodyBytes === 'chunked' ? Infinity : bodyBytes;
    current.receiver.head(current.head);
    readBody(current, start);
  }

  /** `from`: offset of the bytes that have just arrived. */
  function readBody(current: Reading, from: number): void {
    if (chunks !== undefined) readChunks(chunks, from);
    if (left === 0) finish(current);
    else schedule();
  }

  /** Removes the framing of the new bytes. The body stays in place, followed by whatever came after its end. */
  function readChunks(current: ChunkedBody, from: number): void {
    try {
      const { bodyBytes, restBytes } = current.read(slab.buffer.subarray(from, filled));
      filled = from + bodyBytes + restBytes;
      if (!current.isComplete) return;
      left = from + bodyBytes - start;
      chunks = undefined;
    } catch (error) {
      filled = from;
      socket.destroy(error as Error);
    }
  }

  /** Pieces that arrive in one turn of the event loop are passed on together. */
  function schedule(): void {
    if (isScheduled || filled === start) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      if (underway === 0 || filled - start >= left) deliver();
    });
  }

  function deliver(): void {
    const current = reading;
    const bytes = Math.min(filled - start, left);
    if (current?.head === undefined || bytes === 0) return;
    const from = slab;
    const piece = from.buffer.subarray(start, start + bytes);
    start += bytes;
    left -= bytes;
    underway += bytes;
    from.lend();
    current.receiver.body(piece, () => {
      underway -= bytes;
      from.giveBack();
      if (underway === 0) deliver();
      if (underway < MOST_UNDERWAY) socket.resume();
      settle();
    });
    if (left === 0) finish(current);
  }

  /** Called only from the `onread` callback. At any other time the socket still writes to its current buffer. */
  function nextSlab(): void {
    const isUnreadHead = reading?.head === undefined;
    if (!isUnreadHead) deliver();
    const old = slab;
    const rest = old.buffer.subarray(start, filled);
    slab = slabs.take();
    rest.copy(slab.buffer);
    filled = rest.length;
    start = 0;
    old.retire();
  }

  function finish({ receiver, head }: Reading): void {
    reading = undefined;
    receiver.end();
    isKept = head?.keepAlive === true && start === filled;
    if (isKept) settle();
    else socket.destroy();
  }

  /** Hands the connection back once its client has taken the whole answer. The next client never waits for the previous one. */
  function settle(): void {
    if (!isKept || underway > 0 || socket.destroyed) return;
    isKept = false;
    onIdle();
  }

  function gone(error: Error | undefined): void {
    slab.retire();
    onClose();
    const current = reading;
    if (current === undefined) return;
    reading = undefined;
    current.receiver.failed(error ?? closed(), current.head !== undefined || filled > start);
  }
}

interface Reading {
  readonly receiver: AnswerReceiver;
  readonly isHead: boolean;
  head: AnswerHead | undefined;
}

function openSocket({ tls, ...place }: CacheAddress, onread: OnReadOpts): Socket {
  const options = { ...place, onread };
  const socket =
    tls === undefined
      ? connectPlain(options)
      : connectTls({ ...options, ...tls, ALPNProtocols: ['http/1.1'], minVersion: 'TLSv1.3' });
  // Not before `connect`: without a kernel socket Node drops the setting.
  socket.once('connect', () => socket.setKeepAlive(true, KEEP_ALIVE_MS));
  return socket.setNoDelay(true);
}

function closed(): LarderError {
  return new LarderError('UPSTREAM_UNREACHABLE', 'the cache closed the connection');
}
