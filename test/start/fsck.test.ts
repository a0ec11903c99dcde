import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { digestOf, pushBlob } from './_client.ts';
import { askAs, pushImage } from './_image.ts';
import { anyPorts, launcher, startServer, until } from './_program.ts';

interface Report {
  readonly id: number;
  readonly state: string;
  readonly blobs: number;
  readonly findings: { problem: string; digest: string; tags: string[] }[];
}

/** The file of an object, found by what it holds. */
async function fileOf(data: string, digest: string): Promise<string> {
  const objects = join(data, 'blobs', 'objects');
  for (const name of await readdir(objects, { recursive: true })) {
    const path = join(objects, name);
    if ((await stat(path)).isFile() && digestOf(await readFile(path)) === digest) return path;
  }
  throw new Error(`no object holds ${digest}`);
}

async function flipBit(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[100] = (bytes[100] ?? 0) ^ 4;
  await writeFile(path, bytes);
}

/** Each starts several programs one after the other. */
describe('berth fsck', { timeout: 180_000 }, () => {
  test('says that everything is whole, and that no server runs', async () => {
    await using world = await startServer();
    const account = { ...world, loginServer: world.ready.loginServer };
    await pushImage(account, 'team/app', 'v1', randomBytes(100_000));
    const whole = await world.berth(['fsck', '--data', world.data]);
    expect(whole.code).toBe(0);
    expect(whole.stdout).toMatch(/^checked 2 blobs and 1 manifests, [0-9]+ bytes\neverything is whole\n$/);
    for (const [args, message] of [
      [['--registry', 'nowhere'], 'there is no registry named "nowhere"'],
      [['--rate', 'fast'], 'fast'],
    ] as const) {
      const refused = await world.berth(['fsck', '--data', world.data, ...args]);
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toContain(message);
    }
    await world.server.stop();
    expect(await world.berth(['fsck', '--data', world.data])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no Berth is running'),
    });
  });

  test('names damage and its tags with exit code 2; clients hear 404, and their next push repairs it', async () => {
    await using world = await startServer();
    const account = { ...world, loginServer: world.ready.loginServer };
    const layers = [randomBytes(100_000), randomBytes(200_000)];
    const flipped = await pushImage(account, 'team/flipped', 'v1', layers[0] ?? Buffer.alloc(0));
    const removed = await pushImage(account, 'team/removed', 'v2', layers[1] ?? Buffer.alloc(0));
    const rotten = await pushImage(account, 'team/rotten', 'v3', randomBytes(80_000));
    await flipBit(await fileOf(world.data, flipped.layerDigest));
    await unlink(await fileOf(world.data, removed.layerDigest));
    // Another connection stands for the disk: the server reads what it finds.
    using database = new DatabaseSync(join(world.data, 'berth.db'), { timeout: 5_000 });
    database.prepare('update body set bytes = ? where digest = ?').run(Buffer.from('{}'), rotten.digest);

    const text = await world.berth(['fsck', '--data', world.data]);
    expect(text.code).toBe(2);
    expect(text.stdout).toContain('3 damaged or gone, 0 could not be read');
    expect(text.stdout).toMatch(
      new RegExp(`damaged blob ${flipped.layerDigest}: .*\\n(?:  .*\\n)*  tags team/flipped:v1`),
    );
    expect(text.stdout).toMatch(
      new RegExp(`gone blob ${removed.layerDigest}: .*\\n(?:  .*\\n)*  tags team/removed:v2`),
    );
    expect(text.stdout).toMatch(
      new RegExp(`damaged manifest ${rotten.digest}: .*\\n(?:  .*\\n)*  tags team/rotten:v3`),
    );
    const again = await world.berth(['fsck', '--data', world.data, '--json']);
    expect(again.code).toBe(2);
    expect((JSON.parse(again.stdout) as Report).findings.map((finding) => finding.tags)).toEqual(
      expect.arrayContaining([['team/flipped:v1'], ['team/removed:v2'], ['team/rotten:v3']]),
    );

    for (const path of [flipped.layerPath, removed.layerPath, rotten.manifestPath]) {
      for (const method of ['HEAD', 'GET']) expect((await askAs(account, path, method)).status).toBe(404);
    }
    await pushBlob(account, 'team/flipped', layers[0] ?? Buffer.alloc(0));
    await pushBlob(account, 'team/removed', layers[1] ?? Buffer.alloc(0));
    const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' };
    expect((await askAs(account, rotten.manifestPath, 'PUT', { headers, body: rotten.manifest })).status).toBe(201);
    expect((await askAs(account, flipped.layerPath)).body.equals(layers[0] ?? Buffer.alloc(0))).toBe(true);
    expect((await askAs(account, rotten.manifestPath)).body.equals(rotten.manifest)).toBe(true);
    expect((await world.berth(['fsck', '--data', world.data])).code).toBe(0);
  });

  test('goes on without the command, and after kill -9 of the server', async () => {
    await using world = await startServer();
    const account = { ...world, loginServer: world.ready.loginServer };
    for (let count = 0; count < 6; count++) await pushBlob(account, 'team/slow', randomBytes(150_000));
    const slow = ['fsck', '--data', world.data, '--rate', '100000', '--json'];
    const command = world.start(process.execPath, [launcher, ...slow], { group: true });
    const checkedBlobs = () => {
      using database = new DatabaseSync(join(world.data, 'berth.db'), { readOnly: true, timeout: 5_000 });
      const row = database.prepare('select blobs from check_run where kind = ?').get('fsck') as
        | { blobs: number }
        | undefined;
      return row?.blobs ?? 0;
    };
    await until('a blob that was checked', () => checkedBlobs() > 0 || undefined);
    // The launcher and the command behind it.
    process.kill(-command.pid, 'SIGKILL');
    await command.exit;
    const before = checkedBlobs();
    await until('another blob without the command', () => checkedBlobs() > before || undefined);
    await world.server.stop('SIGKILL');
    const kept = checkedBlobs();
    expect(kept).toBeLessThan(6);

    await world.up(anyPorts).ready();
    const joined = await world.berth(['fsck', '--data', world.data, '--rate', '0', '--json']);
    expect(joined.code).toBe(0);
    expect(JSON.parse(joined.stdout)).toMatchObject({ id: 1, state: 'done', blobs: 6, bytes: 900_000 });
  });
});
