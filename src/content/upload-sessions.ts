import { type DigestAlgorithm, Fault } from '../kernel/index.ts';
import type { ContentEnvironment } from './environment.ts';
import { freshSessionMs } from './limits.ts';
import { lockedFault } from './locked.ts';
import { lockBits } from './locks.ts';
import { type SessionOwner, sessionIds } from './session-ids.ts';
import { findRepository } from './store/repository-store.ts';
import { endedUpload, findUpload, type UploadRecord, uploadsBeyond } from './store/upload-store.ts';
import {
  cancelUpload,
  openUpload,
  type SessionEnd,
  saveProgress,
  tooManyUploads,
} from './transactions/upload-transactions.ts';

/** Names a session. It answers only to the repository and the identity that opened it; to all others it is not there. */
export interface SessionKey extends SessionOwner {
  readonly id: string;
}

/** A session as the next request finds it. Until it has brought a byte it has no row, and `stored` is false. */
export interface Session extends UploadRecord {
  stored: boolean;
  readonly created_ms: number;
}

/** How far a session has come. `tail` is sealed. */
export interface Progress {
  readonly received: number;
  readonly stagedKey: string | null;
  readonly tail: Uint8Array | null;
}

/** Opening, finding and ending upload sessions. */
export interface UploadSessions {
  /** Answers the id of a new session and writes nothing. Throws `locked` and `too-many-requests`. */
  open(owner: SessionOwner, algorithm: DigestAlgorithm): Promise<string>;
  /** The session; throws `upload-unknown` when it is not there, has ended, or cannot go on under today's seal. */
  find(key: SessionKey): Promise<Session>;
  /** Its row, if it has one. */
  row(key: SessionKey): Promise<UploadRecord | undefined>;
  /** Writes down where the session stands and renews its time. Throws `conflict` when another request moved it. */
  advance(key: SessionKey, session: Session, to: Progress): Promise<void>;
  /** What must be written when it ends. */
  endOf(session: Session): SessionEnd;
  /** Ends it without a blob. */
  forget(end: SessionEnd): Promise<void>;
}

/** Makes the sessions of one process. */
export function uploadSessions(environment: ContentEnvironment): UploadSessions {
  const { database, clock, limits, seal } = environment;
  const ids = sessionIds({ ...environment, key: environment.sessionKey });
  const freshMs = Math.min(freshSessionMs, limits.uploadIdleMs);

  const row = (key: SessionKey): Promise<UploadRecord | undefined> =>
    database.first(findUpload, {
      id: key.id,
      registryId: key.registry.id,
      repository: key.repository,
      identity: key.identity,
      now: clock.now(),
    });

  return {
    row,
    async open(owner, algorithm) {
      const { registry, repository, identity } = owner;
      const existing = await database.first(findRepository, { registryId: registry.id, name: repository });
      // Said here already, so that nobody sends bytes for nothing; the transactions that write look again.
      if (existing?.state === 'live' && existing.locks & lockBits.writeEnabled) {
        const message = `repository "${repository}" is locked against writing`;
        throw lockedFault(message, { repository, locks: existing.locks }, lockBits.writeEnabled);
      }
      const { openUploadsPerIdentity: most } = limits;
      if (await database.first(uploadsBeyond, { registryId: registry.id, identity, offset: most - 1 })) {
        throw tooManyUploads(identity, most);
      }
      return ids.make(owner, algorithm);
    },

    async find(key) {
      const unknown = (): Fault => new Fault('upload-unknown', 'there is no such upload; start a new one');
      const now = clock.now();
      const facts = ids.read(key, key.id);
      if (!facts) throw unknown();
      const found = await row(key);
      if (found) {
        // What comes next would be sealed otherwise than what came before: such a session cannot go on.
        if (found.codec !== seal.codec || found.key_id !== seal.keyId) throw unknown();
        return { ...found, stored: true, created_ms: facts.createdMs };
      }
      if (facts.createdMs + freshMs <= now || (await database.first(endedUpload, { id: key.id }))) {
        throw unknown();
      }
      return {
        id: key.id,
        algorithm: facts.algorithm,
        staged_key: null,
        tail: null,
        codec: seal.codec,
        key_id: seal.keyId,
        received: 0,
        expires_ms: now + limits.uploadIdleMs,
        stored: false,
        created_ms: facts.createdMs,
      };
    },

    async advance(key, session, to) {
      if (session.stored) {
        await database.transact(saveProgress, {
          ...to,
          id: session.id,
          from: session.received,
          idleMs: limits.uploadIdleMs,
        });
        return;
      }
      await database.transact(openUpload, {
        ...to,
        id: session.id,
        registryId: key.registry.id,
        repository: key.repository,
        identity: key.identity,
        algorithm: session.algorithm,
        codec: seal.codec,
        keyId: seal.keyId,
        created: session.created_ms,
        maxOpen: limits.openUploadsPerIdentity,
        idleMs: limits.uploadIdleMs,
      });
      session.stored = true;
    },

    endOf: (session) => ({ id: session.id, stored: session.stored, freshUntil: session.created_ms + freshMs }),

    async forget(end) {
      await database.transact(cancelUpload, end);
    },
  };
}
