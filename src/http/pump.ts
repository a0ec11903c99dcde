import type { Writable } from 'node:stream';
import type { BufferPool } from './buffer-pool.ts';

/** Where the bytes come from. `read` fills the buffer from `position` and answers the count, 0 at the end. */
export interface PumpSource {
  read(buffer: Uint8Array, position: number): Promise<number>;
}

export interface PumpOptions {
  /** First byte. */
  readonly start: number;
  /** Last byte, inclusive; `start - 1` for nothing. */
  readonly end: number;
  readonly pool: BufferPool;
  /** Gives up: the response is destroyed and the reason thrown. */
  readonly signal?: AbortSignal;
}

/** Largest range that is sent from one buffer of its own, and the size of the buffers used when the pool is exhausted. */
const smallBytes = 64 << 10;

/** A buffer that is free to be filled, or being written (`busy`). */
interface Slot {
  readonly buffer: Buffer;
  readonly pooled: boolean;
  busy: boolean;
}

/**
 * Sends bytes `start` to `end` of `source` as (a part of) the body, and answers how many were handed to the system. Two
 * buffers take turns: while one is written, the other is read, so memory is bound by them whatever the client does. The caller writes
 * the head before and calls `end()` after.
 *
 *   slot 0  read ─ write ════ read ─ write ════
 *   slot 1         read ─ write ════ read ─ write
 *
 * A client that goes away ends it early, without an error. When the source fails, or ends before `end`, the response is
 * destroyed, so that the client sees a broken transfer and never a short body, and the error is thrown.
 */
export async function pump(source: PumpSource, response: Writable, options: PumpOptions): Promise<number> {
  const { start, end, pool, signal } = options;
  const slots = takeSlots(end - start + 1, pool);
  const flow = watch(response, signal);
  let sent = 0;

  const write = (slot: Slot, bytes: number) => {
    slot.busy = true;
    response.write(slot.buffer.subarray(0, bytes), (error) => {
      slot.busy = false;
      if (error) flow.end();
      else sent += bytes;
      flow.wake();
    });
  };

  try {
    let position = start;
    for (let turn = 0; position <= end; turn++) {
      const slot = slots[turn % slots.length]!;
      while (slot.busy && !flow.ended()) await flow.change();
      if (flow.ended()) break;
      const wanted = Math.min(slot.buffer.length, end - position + 1);
      const count = await source.read(slot.buffer.subarray(0, wanted), position);
      if (flow.ended()) break;
      if (count === 0) throw new Error(`the object ends at byte ${position}, before byte ${end} that was promised`);
      write(slot, count);
      position += count;
    }
    while (slots.some((slot) => slot.busy) && !flow.ended()) await flow.change();
    if (sent <= end - start && !response.destroyed) signal?.throwIfAborted();
    return sent;
  } catch (error) {
    response.destroy();
    throw error;
  } finally {
    flow.stop();
    for (const slot of slots) giveBack(slot, pool);
  }
}

function takeSlots(length: number, pool: BufferPool): Slot[] {
  if (length <= smallBytes) return [{ buffer: Buffer.allocUnsafe(Math.max(0, length)), pooled: false, busy: false }];
  const count = length <= pool.bufferBytes ? 1 : 2;
  return Array.from({ length: count }, () => {
    const buffer = pool.acquire();
    return { buffer: buffer ?? Buffer.allocUnsafeSlow(smallBytes), pooled: buffer !== undefined, busy: false };
  });
}

/**
 * A destroyed connection drops writes without calling back, so a slot may stay busy for ever. Whether the system still
 * reads such a buffer is unknown: it must never be used again.
 */
function giveBack(slot: Slot, pool: BufferPool): void {
  if (!slot.pooled) return;
  if (slot.busy) pool.forget(slot.buffer);
  else pool.release(slot.buffer);
}

/** One waiter at a time for "a write settled, or it is over". A race of promises would grow with every turn. */
function watch(response: Writable, signal: AbortSignal | undefined) {
  let over = response.destroyed || signal?.aborted === true;
  let waiter: (() => void) | undefined;
  const wake = () => waiter?.();
  const end = () => {
    over = true;
    wake();
  };
  response.on('close', end);
  signal?.addEventListener('abort', end);
  return {
    wake,
    end,
    ended: () => over,
    change: () => new Promise<void>((resolve) => (waiter = resolve)),
    stop() {
      response.off('close', end);
      signal?.removeEventListener('abort', end);
    },
  };
}
