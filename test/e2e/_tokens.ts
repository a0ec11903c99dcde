import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type CryptoKey, importPKCS8, type JWTPayload, SignJWT } from 'jose';
import { expect } from 'vitest';
import { localKeyWrapper } from '../../src/adapters/key-local/index.ts';
import type { Client } from './_client.ts';
import type { Berth } from './_server.ts';

/** Asks the token endpoint as docker does and answers the access token. */
export async function accessToken(client: Client, ...scopes: string[]): Promise<string> {
  const query = scopes.map((scope) => `&scope=${encodeURIComponent(scope)}`).join('');
  const answer = await client('GET', `/oauth2/token?service=any${query}`);
  expect(answer.status, answer.text).toBe(200);
  return String(answer.json()['access_token']);
}

/** Posts a form to the token endpoint. */
export function postForm(client: Client, form: Record<string, string>): ReturnType<Client> {
  return client('POST', '/oauth2/token', {
    body: new URLSearchParams(form).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
}

/** The claims of a token, not verified. */
export function claimsOf(token: string): JWTPayload & Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as JWTPayload;
}

/** The registry's own key, as who owns the data folder can read it. */
export interface SigningKey {
  readonly kid: string;
  readonly key: CryptoKey;
  readonly publicJwk: Record<string, unknown>;
}

export async function signingKeyOf(berth: Berth, purpose: 'registry' | 'directory' = 'registry'): Promise<SigningKey> {
  const database = new DatabaseSync(join(berth.data, databaseFile), { readOnly: true });
  try {
    const row = database
      .prepare('select kid, public_jwk, sealed_private from signing_key where purpose = ?')
      .get(purpose) as {
      kid: string;
      public_jwk: string;
      sealed_private: string;
    };
    const root = Buffer.from(readFileSync(join(berth.data, 'root.key'), 'utf8').trim(), 'base64');
    const pem = localKeyWrapper(Uint8Array.from(root)).open(row.sealed_private, `signing-key:${row.kid}`);
    return {
      kid: row.kid,
      key: await importPKCS8(pem, 'RS256', { extractable: true }),
      publicJwk: JSON.parse(row.public_jwk) as Record<string, unknown>,
    };
  } finally {
    database.close();
  }
}

const databaseFile = 'berth.db';

/** Signs claims as the registry would; `header` adds to or replaces what the token's header says. */
export function signAs(
  signing: Pick<SigningKey, 'kid' | 'key'>,
  claims: JWTPayload,
  header: object = {},
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: signing.kid, ...header })
    .sign(signing.key);
}
