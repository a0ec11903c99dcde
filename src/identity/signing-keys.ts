import { type CryptoKey, exportJWK, exportPKCS8, generateKeyPair, importJWK, importPKCS8, type JWK } from 'jose';
import type { Clock, Ids } from '../kernel/index.ts';
import type { Database, KeyWrapper } from '../ports/index.ts';
import { type SigningKeyRecord, type SigningPurpose, signingKeys } from './store.ts';
import { addSigningKey, retireSigningKeys } from './transactions.ts';

/** What signs and verifies tokens. */
export interface TokenKeys {
  /** The key that signs now. */
  readonly signing: { readonly kid: string; readonly key: CryptoKey };
  /** A public key by its id. An unknown one may be newer than what was read: then the keys are read again, now and then. */
  verifying(kid: string): CryptoKey | undefined | Promise<CryptoKey | undefined>;
}

/**
 * The keys of a token service. Each is published a day before it signs, because clients keep the list of public keys for
 * a day, and verifies until the last token that it signed has ended:
 *
 *   made ──a day──▶ signs ──until the next one signs──▶ verifies only ──until the last token's end──▶ retired
 */
export interface SigningKeys extends TokenKeys {
  verifying(kid: string): Promise<CryptoKey | undefined>;
  /** The public keys that verify or soon will, newest first. */
  all(): readonly { readonly kid: string; readonly key: CryptoKey }[];
  /** Reads the keys again, makes the next one when it is time, and retires those whose tokens have ended. For a timer. */
  refresh(): Promise<void>;
}

/** Whose keys, and how long they are used. */
export interface SigningKeyOptions {
  readonly purpose: SigningPurpose;
  readonly clock: Clock;
  /** How long after a key the next one is made, milliseconds. */
  readonly rotateAfterMs: number;
  /** Longest life of a token that they sign, milliseconds. */
  readonly tokensLiveMs: number;
}

const algorithm = 'RS256';
/** How long a key is published before it signs: what clients keep of the published list is a day old at most. */
export const publishedBeforeMs = 86_400_000;
/** Clocks of hosts may differ; a key verifies this much longer than its last token lives. */
const retirementSlackMs = 3_600_000;
/** A made-up key id must not read the database each time. */
const reloadAfterMs = 30_000;

interface RingKey {
  readonly kid: string;
  readonly signsFromMs: number;
  readonly publicKey: CryptoKey;
  /** Null for a key that will never sign again. */
  readonly privateKey: CryptoKey | null;
}

/** Loads the token signing keys, making the first one when there is none. Private parts are sealed under the root key. */
export async function loadSigningKeys(
  database: Database,
  wrapper: KeyWrapper,
  ids: Ids,
  options: SigningKeyOptions,
): Promise<SigningKeys> {
  const { purpose, clock, rotateAfterMs, tokensLiveMs } = options;
  let ring: readonly RingKey[] = [];
  let readAt = 0;
  let refreshing: Promise<void> | undefined;

  const makeKey = async (): Promise<void> => {
    const pair = await generateKeyPair(algorithm, { modulusLength: 2048, extractable: true });
    const kid = ids.id();
    await database.transact(addSigningKey, {
      kid,
      purpose,
      algorithm,
      publicJwk: JSON.stringify(await exportJWK(pair.publicKey)),
      sealedPrivate: wrapper.seal(await exportPKCS8(pair.privateKey), contextOf(kid)),
      rotateAfterMs,
      publishedBeforeMs,
    });
  };
  const read = (): Promise<SigningKeyRecord[]> => database.all(signingKeys, { purpose });

  const load = async (rows: readonly SigningKeyRecord[]): Promise<void> => {
    const now = clock.now();
    const known = new Map(ring.map((one) => [one.kid, one]));
    const loaded: RingKey[] = [];
    let signs = false;
    for (const row of rows.filter((one) => one.algorithm === algorithm)) {
      const signsLater = row.signs_from_ms > now;
      const before = known.get(row.kid);
      const privateKey = signs ? null : (before?.privateKey ?? (await openPrivate(row)));
      signs ||= !signsLater;
      const publicKey =
        before?.publicKey ?? ((await importJWK(JSON.parse(row.public_jwk) as JWK, algorithm)) as CryptoKey);
      loaded.push({ kid: row.kid, signsFromMs: row.signs_from_ms, publicKey, privateKey });
    }
    if (loaded.length === 0) throw new Error('every token signing key is retired');
    ring = loaded;
    readAt = now;
  };
  const openPrivate = (row: SigningKeyRecord): Promise<CryptoKey> =>
    importPKCS8(wrapper.open(row.sealed_private, contextOf(row.kid)), algorithm);

  const refresh = async (): Promise<void> => {
    let rows = await read();
    const now = clock.now();
    const newest = rows[0];
    if (newest === undefined || newest.created_ms + rotateAfterMs <= now) {
      await makeKey();
      rows = await read();
    }
    const over = overtaken(rows, now - tokensLiveMs - retirementSlackMs);
    if (over.length > 0) {
      await database.transact(retireSigningKeys, { kids: over });
      rows = await read();
    }
    await load(rows);
  };
  const refreshOnce = (): Promise<void> => {
    refreshing ??= refresh().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  };
  await refreshOnce();

  const find = (kid: string): CryptoKey | undefined => ring.find((one) => one.kid === kid)?.publicKey;
  return {
    get signing() {
      const now = clock.now();
      // A clock that was set back finds none that signs yet: then the oldest does, which every host has long known.
      const one =
        ring.find((key) => key.privateKey !== null && key.signsFromMs <= now) ??
        ring.findLast((key) => key.privateKey !== null);
      if (one?.privateKey == null) throw new Error('no token signing key has a private part');
      return { kid: one.kid, key: one.privateKey };
    },
    async verifying(kid) {
      const known = find(kid);
      const age = clock.now() - readAt;
      if (known !== undefined || (age >= 0 && age < reloadAfterMs)) return known;
      readAt = clock.now();
      await load(await read());
      return find(kid);
    },
    all: () => ring.map(({ kid, publicKey }) => ({ kid, key: publicKey })),
    refresh: refreshOnce,
  };
}

/** Keys that another one has followed so long ago that none of their tokens lives. `rows` are newest first. */
function overtaken(rows: readonly SigningKeyRecord[], before: number): string[] {
  return rows.filter((_, index) => (rows[index - 1]?.signs_from_ms ?? Infinity) <= before).map((row) => row.kid);
}

function contextOf(kid: string): string {
  return `signing-key:${kid}`;
}
