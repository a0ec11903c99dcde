import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registryAccess } from '../../src/identity/_registry-access.ts';
import { authenticator, directory, type TokenService } from '../../src/identity/index.ts';
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
  const registry = registryAccess({ name: 'first', audience: 'first', anonymousPull: true });
  const door = authenticator({
    database,
    tokens,
    clock: systemClock,
    directory: {
      directory: directory({ database, clock: systemClock }),
      tokens: away,
      domain: 'e2e.localhost',
    },
  });

  it.each([
    ['a password of the admin', { scheme: 'basic', username: 'first', password: 'x' }],
    ['a password of a token', { scheme: 'basic', username: 'somebody', password: 'x' }],
    [
      'a secret of an application',
      { scheme: 'basic', username: '00000000-0000-4000-8000-000000000001', password: 'x' },
    ],
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
    const { bytes, path, object } = await pushLarge('team/lost', 'b');
    await rename(object, `${object}-away`);
    const got = await berth.admin('GET', path);
    expect({ status: got.status, code: got.code }).toEqual({ status: 404, code: 'BLOB_UNKNOWN' });
    expect((await berth.admin('HEAD', path)).status).toBe(404);
    expect((await berth.admin('GET', '/v2/team/lost/manifests/v1')).status).toBe(200);
    await rename(`${object}-away`, object);
    expect((await berth.admin('HEAD', path)).status).toBe(404);
    await pushBlob(berth.admin, 'team/lost', bytes);
    expect((await berth.admin('GET', path)).body.equals(bytes)).toBe(true);
  });

  it('because the whole folder is away lose no blob', async () => {
    const { bytes, path } = await pushLarge('team/away', 'c');
    const folder = join(berth.data, 'blobs');
    await rename(folder, `${folder}-away`);
    try {
      expect((await berth.admin('GET', path)).status).toBeGreaterThanOrEqual(500);
    } finally {
      await rename(`${folder}-away`, folder);
    }
    expect((await berth.admin('GET', path)).body.equals(bytes)).toBe(true);
  });

  /** A blob that is too large for a row, in an image, and the file that holds it. */
  async function pushLarge(repository: string, fill: string) {
    const objects = join(berth.data, 'blobs', 'objects');
    const before = await filesBelow(objects);
    const bytes = Buffer.alloc(200_000, fill);
    await pushBlob(berth.admin, repository, bytes);
    await pushImage(berth.admin, repository, 'v1', repository);
    const [object, ...others] = (await filesBelow(objects)).filter((file) => !before.includes(file));
    if (object === undefined || others.length > 0) throw new Error('one new object was expected');
    return { bytes, path: `/v2/${repository}/blobs/${digestOf(bytes)}`, object };
  }
});

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
