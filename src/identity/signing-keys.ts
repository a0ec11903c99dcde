import { type CryptoKey, exportJWK, exportPKCS8, generateKeyPair, importJWK, importPKCS8, type JWK } from 'jose';
import type { Ids } from '../kernel/index.ts';
import type { Database, KeyWrapper } from '../ports/index.ts';
import { type SigningPurpose, signingKeys } from './store.ts';
import { addFirstSigningKey } from './transactions.ts';

/** The keys of the token service: the newest signs, all that are not retired verify. */
export interface SigningKeys {
  readonly signing: { readonly kid: string; readonly key: CryptoKey };
  verifying(kid: string): CryptoKey | undefined;
  /** The public keys that verify, newest first. */
  all(): readonly { readonly kid: string; readonly key: CryptoKey }[];
}

const algorithm = 'RS256';

/** Loads the token signing keys, making the first one when there is none. Private parts are sealed under the root key. */
export async function loadSigningKeys(
  database: Database,
  wrapper: KeyWrapper,
  ids: Ids,
  purpose: SigningPurpose = 'registry',
): Promise<SigningKeys> {
  let rows = await database.all(signingKeys, { purpose });
  if (rows.length === 0) {
    const pair = await generateKeyPair(algorithm, { modulusLength: 2048, extractable: true });
    const kid = ids.id();
    await database.transact(addFirstSigningKey, {
      kid,
      purpose,
      algorithm,
      publicJwk: JSON.stringify(await exportJWK(pair.publicKey)),
      sealedPrivate: wrapper.seal(await exportPKCS8(pair.privateKey), contextOf(kid)),
    });
    rows = await database.all(signingKeys, { purpose });
  }
  const verifying = new Map<string, CryptoKey>();
  for (const row of rows) {
    if (row.retired_ms !== null || row.algorithm !== algorithm) continue;
    verifying.set(row.kid, (await importJWK(JSON.parse(row.public_jwk) as JWK, algorithm)) as CryptoKey);
  }
  const newest = rows.find((row) => verifying.has(row.kid));
  if (!newest) throw new Error('every token signing key is retired');
  const key = await importPKCS8(wrapper.open(newest.sealed_private, contextOf(newest.kid)), algorithm);
  return {
    signing: { kid: newest.kid, key },
    verifying: (kid) => verifying.get(kid),
    all: () => [...verifying].map(([id, one]) => ({ kid: id, key: one })),
  };
}

function contextOf(kid: string): string {
  return `signing-key:${kid}`;
}
