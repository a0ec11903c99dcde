import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ask, basic, digestOf } from './_client.ts';
import { anyPorts, launcher, openScratch } from './_program.ts';

const maxPushes = 300;
const config = Buffer.from('{}');

/** A limit on the size of files stands for a disk that is full: every write beyond it fails. */
const limitKiB = 2048;

describe('when the disk is full', () => {
  test('pushes are refused, reading goes on, and the stop comes to its end', async () => {
    await using scratch = await openScratch();
    const start = `trap '' XFSZ; ulimit -f ${limitKiB * 2}; exec "$@"`;
    const command = [process.execPath, launcher, 'up', '--json', '--data', scratch.data, ...anyPorts];
    const server = scratch.start('sh', ['-c', start, 'sh', ...command]);
    const { loginServer, username = '', password = '' } = await server.ready();
    const authorization = basic(username, password);
    const push = async (bytes: Buffer): Promise<number> => {
      const path = `/v2/lab/app/blobs/uploads/?digest=${digestOf(bytes)}`;
      return (await ask(loginServer, path, { method: 'POST', headers: { authorization }, body: bytes })).status;
    };
    expect(await push(config)).toBe(201);
    const descriptor = { digest: digestOf(config), size: config.length };
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...descriptor },
      layers: [],
    };
    const headers = { authorization, 'content-type': manifest.mediaType };
    const path = '/v2/lab/app/manifests/v1';
    expect((await ask(loginServer, path, { method: 'PUT', headers, body: JSON.stringify(manifest) })).status).toBe(201);

    let status = 201;
    for (let count = 0; count < maxPushes && status === 201; count++) status = await push(randomBytes(60_000));
    expect(status).toBeGreaterThanOrEqual(500);
    expect((await ask(loginServer, path, { headers: { authorization } })).status).toBe(200);

    server.child.kill('SIGTERM');
    const ending = await server.exit;
    expect(ending.signal).toBe(null);
    expect(existsSync(join(scratch.data, 'run.json'))).toBe(false);
    // With room again everything acknowledged is there.
    const again = await scratch.up().ready();
    const found = await ask(again.loginServer, path, { headers: { authorization } });
    expect(found.body.toString()).toBe(JSON.stringify(manifest));
  });
});
