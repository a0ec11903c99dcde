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
}

/** A registry as use-cases name it. */
export interface RegistryRef {
  readonly id: number;
  readonly name: string;
}
