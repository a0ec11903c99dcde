import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authenticator, type RegistryAccess, type TokenService } from '../../src/identity/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { type Database, DatabaseError } from '../../src/ports/index.ts';
import { digestOf, pushBlob, pushImage } from './_content.ts';
import { type Berth, startBerth } from './_server.ts';

describe('a database that does not answer (S21)', () => {
  const away = () => Promise.reject(new DatabaseError('unavailable', 'away'));
  const database = { first: away, all: away, transact: away } as unknown as Database;
  const tokens = {
    verify: async () => ({
      use: 'access',
      kind: 'admin',
      tokenId: 0,
      credentialId: 'x',
      expiresAt: 0,
      restriction: null,
    }),
  } as unknown as TokenService;
  const registry: RegistryAccess = { id: 1, name: 'first', audience: 'first', adminEnabled: true, anonymousPull: true };
  const door = authenticator({ database, tokens, clock: systemClock });

  it.each([
    ['a password of the admin', { scheme: 'basic', username: 'first', password: 'x' }],
    ['a password of a token', { scheme: 'basic', username: 'somebody', password: 'x' }],
    ['a bearer', { scheme: 'bearer', token: 'x' }],
  ] as const)('lets nobody in by %s, not even as anonymous', async (_, credential) => {
    await expect(door.authenticate(credential, registry)).rejects.toBeInstanceOf(DatabaseError);
  });
});

describe('bytes that are not where they should be', () => {
  let berth: Berth;
  beforeAll(async () => {
    berth = await startBerth();
  });
  afterAll(() => berth[Symbol.asyncDispose]());

  it('make the blob one that is not there, until it is pushed again', async () => {
    const bytes = Buffer.alloc(200_000, 'b');
    const digest = digestOf(bytes);
    await pushBlob(berth.admin, 'team/lost', bytes);
    await pushImage(berth.admin, 'team/lost', 'v1', 'lost');
    await rename(join(berth.data, 'blobs'), join(berth.data, 'blobs-away'));
    const path = `/v2/team/lost/blobs/${digest}`;
    try {
      const got = await berth.admin('GET', path);
      expect({ status: got.status, code: got.code }).toEqual({ status: 404, code: 'BLOB_UNKNOWN' });
      expect((await berth.admin('HEAD', path)).status).toBe(404);
      expect((await berth.admin('GET', '/v2/team/lost/manifests/v1')).status).toBe(200);
    } finally {
      await rename(join(berth.data, 'blobs-away'), join(berth.data, 'blobs'));
    }
    expect((await berth.admin('HEAD', path)).status).toBe(404);
    await pushBlob(berth.admin, 'team/lost', bytes);
    expect((await berth.admin('GET', path)).body.equals(bytes)).toBe(true);
  });
});
