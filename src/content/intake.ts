import type { Readable } from 'node:stream';
import { Fault, type RunningDigest } from '../kernel/index.ts';

export interface IntakeOptions {
  /** Where in the upload the first byte belongs. */
  readonly position: number;
  /** The most bytes that this body may bring. */
  readonly maxBytes: number;
  /** Fed with each batch that goes to the sink, in order. Of no use any more when `receive` throws. */
  readonly hash?: RunningDigest | undefined;
  /** Writes one batch; called again only after its promise settled. The chunks are the sink's until then. */
  readonly sink: (position: number, chunks: readonly Uint8Array[]) => Promise<void>;
  /** Bytes that make a batch; 1 MiB when absent. */
  readonly batchBytes?: number;
  /** Ends the intake as if the client had gone away. */
  readonly signal?: AbortSignal;
}

export interface Intake {
  /** Bytes that the sink has taken. */
  readonly received: number;
  /** False when the body broke off before its end. */
  readonly complete: boolean;
  /** Why it broke off, where that is known. */
  readonly error?: unknown;
}

/** Chunks of a batch at most: a body of one-byte chunks costs far more memory than its bytes say (and one writev takes 1024). */
const batchChunks = 1024;

/**
 * Reads a request body to its end with back pressure: collects chunks to batches, hands one batch at a time to the sink,
 * hashes it while the sink writes, and holds the source back while more than two batches wait.
 *
 * When the body breaks off (client gone, signal), what arrived is still written and the answer says `complete: false`.
 * Throws `blob-too-large` once more than `maxBytes` arrive, or what the sink throws; the source is then paused, not
 * destroyed, and belongs to the caller.
 */
export async function receive(source: Readable, options: IntakeOptions): Promise<Intake> {
  const { hash, sink } = options;
  const inflow = collect(source, options);
  let position = options.position;
  try {
    for (let batch = await inflow.next(); batch; batch = await inflow.next()) {
      const written = sink(position, batch.chunks);
      if (hash) for (const chunk of batch.chunks) hash.update(chunk);
      await written;
      position += batch.bytes;
    }
  } finally {
    inflow.stop();
  }
  const received = position - options.position;
  const ending = inflow.ending();
  return ending === 'whole' ? { received, complete: true } : { received, complete: false, error: ending.error };
}

interface Batch {
  chunks: Uint8Array[];
  bytes: number;
}

/** How the body ended: to its end, or broken off. */
type Ending = 'whole' | { readonly error: unknown };

interface Inflow {
  /** The next batch, smaller only at the end; undefined after the last. Throws `blob-too-large`. */
  next(): Promise<Batch | undefined>;
  ending(): Ending;
  stop(): void;
}

/** Listens to the source: 'data' is the cheapest way, a chunk then never waits in the stream's own buffer. */
function collect(source: Readable, options: IntakeOptions): Inflow {
  const { maxBytes, signal, batchBytes = 1 << 20 } = options;
  let waiting: Batch = { chunks: [], bytes: 0 };
  let arrived = 0;
  let ending: Ending | undefined;
  let tooLarge = false;
  let held = false;
  let wake: (() => void) | undefined;

  const fills = (batches: number) =>
    waiting.bytes >= batches * batchBytes || waiting.chunks.length >= batches * batchChunks;
  const ready = () => fills(1) || tooLarge || ending !== undefined;
  const onData = (chunk: Uint8Array) => {
    arrived += chunk.byteLength;
    if (arrived > maxBytes) {
      tooLarge = true;
      stop();
    } else {
      waiting.chunks.push(chunk);
      waiting.bytes += chunk.byteLength;
      if (fills(2)) hold();
      if (!fills(1)) return;
    }
    wake?.();
  };
  const hold = () => {
    held = true;
    source.pause();
  };
  const finish = (how: Ending) => {
    ending ??= how;
    stop();
    wake?.();
  };
  const onEnd = () => finish('whole');
  const onError = (error: unknown) => finish({ error });
  const onClose = () => finish({ error: source.errored ?? undefined });
  const onAbort = () => finish({ error: signal?.reason });
  const stop = () => {
    source.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
    signal?.removeEventListener('abort', onAbort);
    source.pause();
  };

  if (source.readableEnded) onEnd();
  else if (source.destroyed) onClose();
  else if (signal?.aborted) onAbort();
  else {
    source.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
    signal?.addEventListener('abort', onAbort);
    source.resume();
  }

  return {
    async next() {
      while (!ready()) await new Promise<void>((resolve) => (wake = resolve));
      if (tooLarge) throw new Fault('blob-too-large', `the body is larger than the ${maxBytes} bytes allowed`);
      if (waiting.chunks.length === 0) return undefined;
      const batch = waiting;
      waiting = { chunks: [], bytes: 0 };
      if (held && !ending) {
        held = false;
        source.resume();
      }
      return batch;
    },
    ending: () => ending ?? { error: undefined },
    stop,
  };
}
