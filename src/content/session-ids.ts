import { createHmac, createSecretKey } from 'node:crypto';
import { type Clock, type DigestAlgorithm, type Ids, type RepositoryName, sameSecret } from '../kernel/index.ts';
import type { RegistryRef } from './environment.ts';

/** Who may use a session: one identity, in one repository. */
export interface SessionOwner {
  readonly registry: RegistryRef;
  readonly repository: RepositoryName;
  readonly identity: string;
}

/** What an id of ours says of its session. */
export interface SessionFacts {
  readonly algorithm: DigestAlgorithm;
  /** Unix milliseconds. */
  readonly createdMs: number;
}

/**
 * Ids of upload sessions. An id says itself when and with which algorithm its session was opened, under a code that only
 * this deployment can make and that holds for its owner alone. So a session needs no row before it has brought a byte,
 * and outlives a restart all the same. 81 hexadecimal digits: 4 for the region's ordinal, so that another region can
 * forward a session to its own, 1 for the algorithm, 12 for the time, 32 by chance, 32 of the code (HMAC-SHA-256).
 */
export interface SessionIds {
  make(owner: SessionOwner, algorithm: DigestAlgorithm): string;
  /** Undefined when the id is not one that `make` gave to this owner. */
  read(owner: SessionOwner, id: string): SessionFacts | undefined;
}

const algorithms: readonly DigestAlgorithm[] = ['sha256', 'sha512'];
const codeDigits = 32;
const grammar = /^[0-9a-f]{81}$/;

/** Makes the ids of one deployment; all its hosts have the same `key`. */
export function sessionIds(options: { key: Uint8Array; regionOrdinal: number; clock: Clock; ids: Ids }): SessionIds {
  const { clock, ids } = options;
  // As an object once: node takes seven times as long for a code under bare bytes.
  const key = createSecretKey(options.key);
  const ordinal = options.regionOrdinal.toString(16).padStart(4, '0');
  const codeOf = (owner: SessionOwner, text: string): string =>
    createHmac('sha256', key)
      .update(`${text}\n${owner.registry.id}\n${owner.repository}\n${owner.identity}`)
      .digest('hex')
      .slice(0, codeDigits);
  return {
    make(owner, algorithm) {
      const text = `${ordinal}${algorithms.indexOf(algorithm)}${clock.now().toString(16).padStart(12, '0')}${ids.id()}`;
      return text + codeOf(owner, text);
    },
    read(owner, id) {
      if (!grammar.test(id)) return undefined;
      const text = id.slice(0, -codeDigits);
      if (!sameSecret(codeOf(owner, text), id.slice(-codeDigits))) return undefined;
      const algorithm = algorithms[Number.parseInt(text.slice(4, 5), 16)];
      return algorithm === undefined ? undefined : { algorithm, createdMs: Number.parseInt(text.slice(5, 17), 16) };
    },
  };
}
