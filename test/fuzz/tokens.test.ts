import * as fc from 'fast-check';
import { generateKeyPair } from 'jose';
import { describe, expect, it } from 'vitest';
import { registryAccess } from '../../src/identity/_registry-access.ts';
import { tokenService } from '../../src/identity/index.ts';
import { isFault, manualClock, randomIds } from '../../src/kernel/index.ts';
import { fuzzAsync, hostileText } from './_fuzz.ts';

const registry = registryAccess({ name: 'first', audience: 'first.example' });
const clock = manualClock();
const pair = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true });
const lifetimes = { accessLifetimeMs: 60_000, refreshLifetimeMs: 60_000 };
const keys = {
  signing: { kid: 'k', key: pair.privateKey },
  verifying: (kid: string) => (kid === 'k' ? pair.publicKey : undefined),
  all: () => [],
};
const tokens = tokenService({ keys, clock, ids: randomIds, ...lifetimes });
const principal = {
  kind: 'admin' as const,
  name: 'admin:first',
  registryId: 1,
  credentialId: 'c',
  tokenId: 0,
  objectId: '',
  roles: [],
  grants: { everywhere: 0, exact: new Map(), prefixes: new Map() },
  restriction: null,
  expiresAt: null,
};
const genuine = await tokens.issueAccess(principal, registry, []);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

async function expectRefused(token: string): Promise<void> {
  const error: unknown = await tokens.verify(token, registry).then(
    () => undefined,
    (problem: unknown) => problem,
  );
  expect(isFault(error, 'unauthenticated'), `${token}: ${String(error)}`).toBe(true);
}

describe('a token', () => {
  it('as it was issued is taken', async () => {
    expect(await tokens.verify(genuine, registry)).toMatchObject({ use: 'access', kind: 'admin', credentialId: 'c' });
  });

  it('of any text is refused', () =>
    fuzzAsync(hostileText('eyJhbGciOiJSUzI1NiJ9', '.', 'e30', genuine.split('.')[2] ?? ''), expectRefused));

  it('with one character changed, added or lost is refused', () =>
    fuzzAsync(
      fc.tuple(fc.nat(genuine.length), fc.constantFrom(...'aAzZ09-_.=+/ \0'.split('')), fc.nat(2)),
      async (change) => {
        const [at, c, kind] = change;
        const token = genuine.slice(0, at) + (kind === 2 ? '' : c) + genuine.slice(kind === 0 ? at : at + 1);
        if (token !== genuine) await expectRefused(token);
      },
    ));

  it('whose head says anything else is refused', () => {
    const [, payload, signature] = genuine.split('.');
    const head = fc.record(
      {
        alg: fc.constantFrom<unknown>('RS256', 'none', 'HS256', 'PS256', 'RS384', '', null, ['RS256'], { a: 1 }),
        kid: fc.constantFrom<unknown>('k', 'K', '__proto__', 'constructor', '', null, 1, ['k'], '../k'),
        crit: fc.constantFrom<unknown>([], ['exp'], 'exp', null, ['b64']),
        typ: fc.jsonValue({ maxDepth: 1 }),
        zip: fc.constant('DEF'),
        enc: fc.constant('A256GCM'),
      },
      { requiredKeys: [] },
    );
    return fuzzAsync(head, (value) => expectRefused(`${encode(value)}.${payload}.${signature}`));
  });
});
