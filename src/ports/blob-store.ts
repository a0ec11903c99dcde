/**
 * Bytes outside the database. The life of an object:
 *
 *   stage(key) ──write──▶ staged ──commit──▶ location (readable) ──remove──▶ gone
 *                           └────abort────▶ gone
 *
 * What is not committed is invisible to `open`, `stat` and `list`. Commit never copies: the location refers to what was
 * staged. A key is chosen by the caller, random, and used once; nothing in it depends on the content, so two uploads of
 * one digest never meet here (the database decides which location counts; the loser is removed by its owner).
 */
export interface BlobStore {
  /** Name of the place for `blob_location.store`, for instance `fs`. */
  readonly name: string;

  /** Begins a staged object, or continues the one left by an earlier process under the same key. */
  stage(key: string): Promise<StagedBlob>;

  /**
   * Makes the first `size` bytes of a staged object durable and readable, and answers its location. Bytes beyond `size` are
   * cut off. Throws `BlobStoreError('incomplete')` when fewer bytes are there. When it returns, data and name survive a
   * power cut (file system: data sync, rename, directory sync). Calling it twice gives the same location.
   */
  commit(key: string, size: number): Promise<string>;

  /** Forgets a staged object. Absent is fine. */
  abort(key: string): Promise<void>;

  /** Opens a committed object. Throws `BlobStoreError('absent')`. */
  open(location: string): Promise<BlobReader>;

  /** Size of a committed object, or undefined when it is absent. */
  stat(location: string): Promise<{ readonly size: number } | undefined>;

  /** Removes a committed object durably. Absent is fine; readers that are open may finish. */
  remove(location: string): Promise<void>;

  /** Committed locations in ascending order after `last`, at most `limit`. For the reconciler. */
  list(page: { readonly last: string | null; readonly limit: number }): Promise<string[]>;

  /** Keys of staged objects in ascending order after `last`, at most `limit`. For the reconciler. */
  listStaged(page: { readonly last: string | null; readonly limit: number }): Promise<string[]>;

  close(): Promise<void>;
}

/** A staged object under writing. One writer at a time; the caller sees to that. */
export interface StagedBlob {
  readonly key: string;
  /**
   * Writes `chunks` one after the other at `position`. Positions grow without gaps, but after an interruption the caller may
   * go back and write over bytes that it never acknowledged. The chunks belong to the store until the promise settles.
   */
  write(position: number, chunks: readonly Uint8Array[]): Promise<void>;
  /** Reads back what is staged, to make the hash again after a restart. Answers fewer bytes only at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Releases handles; what is staged stays. */
  close(): Promise<void>;
}

/** A committed object, open for reading. */
export interface BlobReader {
  readonly size: number;
  /** Fills `buffer` from `position`; answers the bytes read, 0 at the end. Calls come one at a time, mostly in sequence. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

/** Port errors: `absent` no such object; `incomplete` fewer bytes staged than committed; `full` no space left; `io` the rest. */
export class BlobStoreError extends Error {
  override name = 'BlobStoreError';
  readonly kind: 'absent' | 'incomplete' | 'full' | 'io';

  constructor(kind: BlobStoreError['kind'], message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.kind = kind;
  }
}
