import type { ContentSeal } from '../data/index.ts';
import type { Clock, Ids } from '../kernel/index.ts';
import type { BlobStore, Database } from '../ports/index.ts';
import type { ContentLimits } from './limits.ts';

/** What the use-cases of this room are built from, once, in `main/app.ts`. */
export interface ContentEnvironment {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly seal: ContentSeal;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly limits: ContentLimits;
  readonly regionOrdinal: number;
  /** Vouches for the ids of upload sessions; the same on all hosts of a deployment. */
  readonly sessionKey: Uint8Array;
  /** Where several threads serve: turns at upload sessions among all of them. */
  readonly sharedTurns?: SharedTurns;
  /** What requests in other threads of this process have in their hands. */
  readonly inUseElsewhere?: () => Promise<InUse>;
}

/** Turns among the threads of a process. A thread that dies keeps the turns that it had. */
export interface SharedTurns {
  /** Runs `work` alone among all who name the same. Throws what `work` throws, or `busy()` when it did not begin in time. */
  alone<T>(name: string, wait: { waitMs: number; busy: () => Error }, work: () => Promise<T>): Promise<T>;
}

/** Sessions and staged objects that must not be cleared away. */
export interface InUse {
  /** Sessions that a request holds or waits for. */
  readonly sessions: readonly string[];
  /** Keys that are staged without a row. */
  readonly keys: readonly string[];
}

/** A registry as use-cases name it. */
export interface RegistryRef {
  readonly id: number;
  readonly name: string;
}
