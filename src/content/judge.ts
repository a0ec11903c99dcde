import { algorithmOf, type Digest, digestOf, type RunningDigest, startDigest } from '../kernel/index.ts';
import { type BlobReader, type BlobStore, BlobStoreError } from '../ports/index.ts';
import type { ContentEnvironment } from './environment.ts';
import type { StoredPlace } from './store/check-store.ts';

/**
 * What a look at stored bytes says. `gone` and `damaged` are certain; `unreadable` says nothing about the bytes: the
 * store, the key or the machine refused.
 */
export type Verdict =
  | { readonly kind: 'whole' }
  | { readonly kind: 'gone' | 'damaged' | 'unreadable'; readonly detail: string };

export interface JudgeOptions {
  readonly signal: AbortSignal;
  /** Called before each read with the bytes it may bring; waits, or throws to give up. */
  readonly beforeRead: (bytes: number) => Promise<void>;
}

const readBytes = 256 * 1024;

/**
 * Reads an object to its end and holds it against its digest. A hash that is wrong is made a second time: memory and
 * buses err, too, and what differs between two readings is not certain. Throws what `beforeRead` throws, and the
 * store's own error when the store as a whole does not answer.
 */
export async function judgeObject(
  environment: ContentEnvironment,
  place: StoredPlace,
  options: JudgeOptions,
): Promise<Verdict> {
  try {
    const reader = await environment.blobs.open(place.location);
    try {
      if (reader.size !== place.size) {
        return { kind: 'damaged', detail: `the object has ${reader.size} bytes, not ${place.size}` };
      }
      const first = await hashObject(environment, place, reader, options);
      if (first === place.digest) return { kind: 'whole' };
      const second = await hashObject(environment, place, reader, options);
      if (first === second) return { kind: 'damaged', detail: `the bytes have digest ${first}` };
      return { kind: 'unreadable', detail: 'two readings of the object differ' };
    } finally {
      await reader.close();
    }
  } catch (error) {
    if (options.signal.aborted) throw error;
    if (!(error instanceof BlobStoreError)) throw error;
    if (error.kind === 'absent') return { kind: 'gone', detail: 'there is no object' };
    await assertAnswering(environment.blobs);
    return { kind: 'unreadable', detail: error.message };
  }
}

/** The same for bytes in a row, as they are stored. */
export function judgeBody(
  environment: Pick<ContentEnvironment, 'seal'>,
  body: { readonly registryId: number; readonly digest: string },
  row: { readonly codec: string; readonly key_id: string | null; readonly bytes: Uint8Array },
): Verdict {
  let bytes: Uint8Array;
  try {
    bytes = environment.seal.openBody(body.registryId, row.codec, row.key_id, row.bytes);
  } catch (error) {
    return { kind: 'unreadable', detail: error instanceof Error ? error.message : String(error) };
  }
  const found = digestOf(bytes, algorithmOf(body.digest as Digest));
  return found === body.digest ? { kind: 'whole' } : { kind: 'damaged', detail: `the bytes have digest ${found}` };
}

async function hashObject(
  environment: ContentEnvironment,
  place: StoredPlace,
  reader: BlobReader,
  options: JudgeOptions,
): Promise<string> {
  const hash = startDigest(algorithmOf(place.digest as Digest));
  const buffer = Buffer.allocUnsafe(Math.min(readBytes, Math.max(1, place.size)));
  for (let position = 0; position < place.size; ) {
    const piece = buffer.subarray(0, Math.min(buffer.length, place.size - position));
    await options.beforeRead(piece.length);
    const read = await reader.read(piece, position);
    if (read === 0) return `${hash.digest()}, and they end after ${position}`;
    feed(environment, place, { hash, position, bytes: piece.subarray(0, read) });
    position += read;
  }
  return hash.digest();
}

/** Opens stored bytes in place and feeds them to the hash. */
export function feed(
  environment: Pick<ContentEnvironment, 'seal'>,
  place: Pick<StoredPlace, 'registry_id' | 'codec' | 'key_id'>,
  step: { readonly hash: RunningDigest; readonly position: number; readonly bytes: Uint8Array },
): void {
  const stored = { registryId: place.registry_id, codec: place.codec, keyId: place.key_id };
  try {
    environment.seal.openStaged(stored, step.position, step.bytes);
  } catch (cause) {
    // The key or the program is missing, which says nothing about the bytes.
    throw new BlobStoreError('io', cause instanceof Error ? cause.message : String(cause), { cause });
  }
  step.hash.update(step.bytes);
}

/** Tells one object that cannot be read from a store that is away: then the check waits instead of accusing each object. */
async function assertAnswering(store: BlobStore): Promise<void> {
  await store.list({ last: null, limit: 1 });
}
