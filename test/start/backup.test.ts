import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, cp, mkdir, readdir, readFile, rename, stat, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { type Account, ask, basic, digestOf, pushBlob } from './_client.ts';
import { stateOf } from './_folder.ts';
import { askAs, pushImage } from './_image.ts';
import { anyPorts, hasNobody, launcher, openScratch, type Scratch, startServer, until } from './_program.ts';

/** Files of a folder, by path. */
async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder, { recursive: true }).catch(() => [])) {
    if ((await stat(join(folder, name))).isFile()) found.push(name);
  }
  return found.toSorted();
}

async function fileOf(folder: string, digest: string): Promise<string> {
  for (const name of await filesIn(folder)) {
    if (digestOf(await readFile(join(folder, name))) === digest) return join(folder, name);
  }
  throw new Error(`no file holds ${digest}`);
}

async function flipBit(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[100] = (bytes[100] ?? 0) ^ 4;
  await writeFile(path, bytes);
}

/** Restores into a folder beside and starts it. */
async function restored(scratch: Scratch, backup: string, account: Account) {
  const data = join(scratch.folder, 'restored');
  const made = await scratch.berth(['restore', backup, '--data', data]);
  expect([made.code, made.code === 0 ? '' : made.stderr]).toEqual([0, '']);
  const server = scratch.start(process.execPath, [launcher, 'up', '--json', '--data', data, ...anyPorts]);
  const { loginServer } = await server.ready();
  return { made, data, server, account: { ...account, loginServer } };
}

/** Each starts several programs one after the other. */
const patience = { timeout: 180_000 };

describe('berth backup and berth restore', patience, () => {
  test('keep everything that was acknowledged before, while others push and delete', async () => {
    await using world = await startServer();
    const account: Account = { ...world, loginServer: world.ready.loginServer };
    const backup = join(world.folder, 'backup');
    const acknowledged: Awaited<ReturnType<typeof pushImage>>[] = [];
    const layers = new Map<string, Buffer>();
    const push = async (tag: string, size: number) => {
      const layer = randomBytes(size);
      const image = await pushImage(account, 'team/app', tag, layer);
      layers.set(image.layerPath, layer);
      return image;
    };
    for (let count = 0; count < 8; count++) acknowledged.push(await push(`v${count}`, count % 2 ? 90_000 : 2_000));
    const ending = new AbortController();
    const deletions: number[] = [];
    const churn = (async () => {
      for (let count = 0; !ending.signal.aborted; count++) {
        const image = await push(`busy${count}`, 80_000);
        const path = `/v2/team/app/manifests/${image.digest}`;
        deletions.push((await askAs(account, path, count % 2 ? 'DELETE' : 'HEAD')).status);
      }
    })();
    const first = await world.berth(['backup', backup, '--data', world.data, '--json']);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    ending.abort();
    await churn;
    expect(deletions.filter((status) => status !== 202 && status !== 200)).toEqual([]);
    expect(JSON.parse(first.stdout)).toMatchObject({ state: 'done', damagedCount: 0 });

    // The next one copies what is new only.
    const later = await push('later', 100_000);
    const second = await world.berth(['backup', backup, '--data', world.data, '--json']);
    const report = JSON.parse(second.stdout) as { objects: number; copied: number };
    expect(report.copied).toBeGreaterThan(0);
    expect(report.copied).toBeLessThan(report.objects);
    const generations = (await readdir(backup)).filter((name) => name.startsWith('generation-'));
    expect(generations).toHaveLength(1);
    for (const name of await filesIn(backup)) expect((await stat(join(backup, name))).mode & 0o077).toBe(0);
    expect((await stat(backup)).mode & 0o077).toBe(0);

    const verified = await world.berth(['backup', '--verify', backup, '--data', world.data]);
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('everything is whole') });
    const session = await ask(account.loginServer, '/v2/team/app/blobs/uploads/', {
      method: 'POST',
      headers: { authorization: basic(account.username, account.password) },
    });
    expect(session.status).toBe(202);
    const reading = ['--name', 'reader', '--repository', '*', '--actions', 'content/read'];
    const token = await world.berth(['token', 'create', ...reading, '--data', world.data, '--json']);
    await world.berth(['backup', backup, '--data', world.data]);

    const copy = await restored(world, backup, account);
    for (const image of [...acknowledged, later]) {
      expect((await askAs(copy.account, image.manifestPath)).body.equals(image.manifest)).toBe(true);
      const layer = await askAs(copy.account, image.layerPath);
      expect(layer.body.equals(layers.get(image.layerPath) ?? Buffer.alloc(0))).toBe(true);
    }
    const { username, passwords } = JSON.parse(token.stdout) as {
      username: string;
      passwords: { value: string }[];
    };
    const reader = { loginServer: copy.account.loginServer, username, password: passwords[0]?.value ?? '' };
    expect((await askAs(reader, later.manifestPath)).status).toBe(200);
    for (const name of ['ca.pem', 'root.key']) {
      expect(await readFile(join(copy.data, name), 'utf8')).toBe(await readFile(join(world.data, name), 'utf8'));
    }
    // What was under way is begun anew, and the copy takes pushes as the original does.
    const status = await askAs(copy.account, String(session.headers['location']).replace(/^https?:\/\/[^/]+/, ''));
    expect(status.status).toBe(404);
    await pushImage(copy.account, 'team/app', 'after', randomBytes(90_000));
    const checked = await world.berth(['fsck', '--data', copy.data, '--rate', '0', '--json']);
    expect(JSON.parse(checked.stdout)).toMatchObject({ state: 'done', findings: [] });
    const incarnations = [world.data, copy.data].map((folder) => {
      using database = new DatabaseSync(join(folder, 'berth.db'), { readOnly: true });
      return database.prepare('select id, incarnation from deployment').get() as Record<string, string>;
    });
    expect(incarnations[0]?.['id']).toBe(incarnations[1]?.['id']);
    expect(incarnations[0]?.['incarnation']).not.toBe(incarnations[1]?.['incarnation']);
  });

  test('name what is damaged at the source, with exit code 2; the copy asks for it again', async () => {
    await using world = await startServer();
    const account: Account = { ...world, loginServer: world.ready.loginServer };
    const backup = join(world.folder, 'backup');
    const layer = randomBytes(100_000);
    const flipped = await pushImage(account, 'team/flipped', 'v1', layer);
    const gone = await pushImage(account, 'team/gone', 'v2', randomBytes(90_000));
    const rotten = await pushImage(account, 'team/rotten', 'v3', randomBytes(80_000));
    const sound = await pushImage(account, 'team/sound', 'v4', randomBytes(70_000));
    const bare = await pushImage(account, 'team/bare', 'v5', randomBytes(60_000));
    const hollow = await pushImage(account, 'team/hollow', 'v6', randomBytes(500));
    await flipBit(await fileOf(join(world.data, 'blobs'), flipped.layerDigest));
    await unlink(await fileOf(join(world.data, 'blobs'), gone.layerDigest));
    using database = new DatabaseSync(join(world.data, 'berth.db'), { timeout: 5_000 });
    database.prepare('update body set bytes = ? where digest = ?').run(Buffer.from('{}'), rotten.digest);
    for (const digest of [bare.digest, hollow.layerDigest]) {
      expect(database.prepare('delete from body where digest = ?').run(digest).changes).toBe(1);
    }
    const made = await world.berth(['backup', backup, '--data', world.data]);
    expect(made.code).toBe(2);
    expect(made.stdout).toMatch(new RegExp(`${flipped.layerDigest}: damaged, .*; tags team/flipped:v1`));
    expect(made.stdout).toMatch(new RegExp(`${gone.layerDigest}: gone, .*; tags team/gone:v2`));
    expect(made.stdout).toMatch(new RegExp(`${rotten.digest}: damaged, .*; tags team/rotten:v3`));
    expect(made.stdout).toMatch(new RegExp(`${bare.digest}: gone, .*; tags team/bare:v5`));
    expect(made.stdout).toMatch(new RegExp(`${hollow.layerDigest}: gone, .*; tags team/hollow:v6`));
    expect((await world.berth(['backup', '--verify', backup])).code).toBe(0);

    const copy = await restored(world, backup, account);
    expect(copy.made.stdout).toContain('5 were damaged or gone and are missing');
    const lost = [flipped.layerPath, gone.layerPath, rotten.manifestPath, bare.manifestPath, hollow.layerPath];
    for (const path of lost) {
      expect((await askAs(copy.account, path, 'HEAD')).status).toBe(404);
    }
    expect((await askAs(copy.account, sound.layerPath)).status).toBe(200);
    await pushBlob(copy.account, 'team/flipped', layer);
    expect((await askAs(copy.account, flipped.layerPath)).body.equals(layer)).toBe(true);
  });

  test('a damaged backup is refused by the name of its file, and nothing is left of the attempt', async () => {
    await using world = await startServer();
    const account: Account = { ...world, loginServer: world.ready.loginServer };
    const backup = join(world.folder, 'backup');
    const image = await pushImage(account, 'team/app', 'v1', randomBytes(100_000));
    await pushImage(account, 'team/app', 'v2', randomBytes(90_000));
    expect((await world.berth(['backup', backup, '--data', world.data])).code).toBe(0);
    const { generation } = JSON.parse(await readFile(join(backup, 'backup.json'), 'utf8')) as { generation: string };
    const harms: [string, (folder: string) => Promise<string>][] = [
      [
        'a bit of an object',
        async (folder) => {
          const path = await fileOf(join(folder, 'blobs'), image.layerDigest);
          await flipBit(path);
          return path;
        },
      ],
      [
        'the end of an object',
        async (folder) => {
          const path = await fileOf(join(folder, 'blobs'), image.layerDigest);
          await truncate(path, 50_000);
          return path;
        },
      ],
      [
        'an object',
        async (folder) => {
          const path = await fileOf(join(folder, 'blobs'), image.layerDigest);
          await unlink(path);
          return path;
        },
      ],
      [
        'a bit of the database',
        async (folder) => {
          const path = join(folder, generation, 'berth.db');
          await flipBit(path);
          return path;
        },
      ],
      [
        'the key',
        async (folder) => {
          const path = join(folder, generation, 'root.key');
          await unlink(path);
          return path;
        },
      ],
    ];
    for (const [what, harm] of harms) {
      const folder = join(world.folder, 'harmed', what.replaceAll(' ', '-'));
      await cp(backup, folder, { recursive: true });
      const path = await harm(folder);
      const verified = await world.berth(['backup', '--verify', folder]);
      expect([what, verified.code, verified.stdout]).toEqual([what, 2, expect.stringContaining(path)]);
      const data = join(world.folder, 'never');
      const refused = await world.berth(['restore', folder, '--data', data]);
      expect([what, refused.code, refused.stderr]).toEqual([what, 1, expect.stringContaining(path)]);
      expect(refused.stderr.split('\n').filter((line) => line.startsWith('berth: '))).toHaveLength(1);
      expect(refused.stderr).not.toMatch(/^ +at /m);
      await expect(stat(data)).rejects.toMatchObject({ code: 'ENOENT' });
    }
    await rename(join(backup, 'backup.json'), join(backup, 'elsewhere.json'));
    for (const args of [
      ['backup', '--verify', backup],
      ['restore', backup, '--data', join(world.folder, 'never')],
    ]) {
      expect(await world.berth(args)).toMatchObject({ code: 1, stderr: expect.stringContaining('no whole backup') });
    }
  });

  test('a backup whose database has no row for the bytes of a manifest is not called whole', async () => {
    await using world = await startServer();
    const account: Account = { ...world, loginServer: world.ready.loginServer };
    const backup = join(world.folder, 'backup');
    const image = await pushImage(account, 'team/app', 'v1', randomBytes(500));
    expect((await world.berth(['backup', backup, '--data', world.data])).code).toBe(0);
    const path = join(backup, 'backup.json');
    const text = await readFile(path, 'utf8');
    const { generation } = JSON.parse(text) as { generation: string };
    const file = join(backup, generation, 'berth.db');
    const before = createHash('sha256').update(await readFile(file));
    {
      using database = new DatabaseSync(file);
      for (const digest of [image.digest, image.layerDigest]) {
        expect(database.prepare('delete from body where digest = ?').run(digest).changes).toBe(1);
      }
    }
    const after = createHash('sha256').update(await readFile(file));
    await writeFile(path, text.replace(before.digest('hex'), after.digest('hex')));
    const verified = await world.berth(['backup', '--verify', backup]);
    expect(verified.code).toBe(2);
    expect(verified.stdout).toContain(`${file} does not hold manifest ${image.digest}: `);
    expect(verified.stdout).toContain(`${file} does not hold blob ${image.layerDigest}: `);
  });

  test('the next backup repairs what a verification found damaged, and what is cut off', async () => {
    await using world = await startServer();
    const account: Account = { ...world, loginServer: world.ready.loginServer };
    const backup = join(world.folder, 'backup');
    const layer = randomBytes(100_000);
    const flipped = await pushImage(account, 'team/flipped', 'v1', layer);
    const both = await pushImage(account, 'team/both', 'v2', randomBytes(90_000));
    const cut = await pushImage(account, 'team/cut', 'v3', randomBytes(80_000));
    const healed = await pushImage(account, 'team/healed', 'v4', randomBytes(70_000));
    const deleted = await pushImage(account, 'team/deleted', 'v5', randomBytes(110_000));
    const backUp = async () => {
      const made = await world.berth(['backup', backup, '--data', world.data, '--json']);
      return { code: made.code, report: JSON.parse(made.stdout) as { copied: number; damaged: { digest: string }[] } };
    };
    const marks = async () => (await readdir(backup)).filter((name) => name.startsWith('bad-'));
    expect(await backUp()).toMatchObject({ code: 0 });
    const held = join(backup, 'blobs');
    for (const image of [flipped, both, healed, deleted]) await flipBit(await fileOf(held, image.layerDigest));
    const verified = await world.berth(['backup', '--verify', backup]);
    expect(verified.code).toBe(2);
    expect(verified.stdout).toContain(`damaged objects that the next backup into ${backup} copies anew: 4`);
    expect(await marks()).toHaveLength(4);

    // Meanwhile one more is cut off, one is put right by hand, one is damaged at the source and one is not needed any more.
    await truncate(await fileOf(held, cut.layerDigest), 50_000);
    for (const name of await filesIn(held)) {
      const bytes = await readFile(join(held, name));
      if (bytes.length === 70_000) await flipBit(join(held, name));
    }
    await flipBit(await fileOf(join(world.data, 'blobs'), both.layerDigest));
    {
      using database = new DatabaseSync(join(world.data, 'berth.db'), { timeout: 5_000 });
      for (const table of ['blob_location', 'blob']) {
        database.prepare(`delete from ${table} where digest = ?`).run(deleted.layerDigest);
      }
    }
    const next = await backUp();
    expect(next.code).toBe(2);
    expect(next.report.copied).toBe(2);
    expect(next.report.damaged.map((one) => one.digest)).toEqual([both.layerDigest]);
    expect(await marks()).toEqual([]);
    for (const image of [flipped, cut, healed]) await fileOf(held, image.layerDigest);
    expect(await world.berth(['backup', '--verify', backup])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('everything is whole'),
    });
    expect((await backUp()).report.copied).toBe(0);
    const copy = await restored(world, backup, account);
    expect((await askAs(copy.account, flipped.layerPath)).body.equals(layer)).toBe(true);
  });

  test('a verification says when it may not mark what is damaged', async ({ skip }) => {
    const isRoot = process.getuid?.() === 0;
    if (isRoot && !hasNobody()) {
      console.info('skipped: root may write everywhere, and nobody cannot run programs here');
      skip();
    }
    await using world = await startServer();
    const account: Account = { ...world, loginServer: world.ready.loginServer };
    const backup = join(world.folder, 'backup');
    const image = await pushImage(account, 'team/app', 'v1', randomBytes(100_000));
    expect((await world.berth(['backup', backup, '--data', world.data])).code).toBe(0);
    const flipped = await fileOf(join(backup, 'blobs'), image.layerDigest);
    await flipBit(flipped);
    await chmod(world.folder, 0o755);
    for (const name of ['', ...(await readdir(backup, { recursive: true }))]) await chmod(join(backup, name), 0o555);
    const verified = await world.berth(['backup', '--verify', backup], { asNobody: isRoot });
    await chmod(backup, 0o700);
    expect(verified.code).toBe(2);
    expect(verified.stdout).toContain(`${flipped} does not hold ${image.layerDigest}`);
    expect(verified.stdout).toContain('the next backup will not copy all that is damaged anew');
    expect(verified.stdout).toContain('EACCES');
    expect((await readdir(backup)).filter((name) => name.startsWith('bad-'))).toEqual([]);
  });

  test('a lost file hides no damaged object, whatever the folder is called', async () => {
    await using world = await startServer();
    const account: Account = { ...world, loginServer: world.ready.loginServer };
    const backup = join(world.folder, 'berth.db-backups');
    const image = await pushImage(account, 'team/app', 'v1', randomBytes(100_000));
    expect((await world.berth(['backup', backup, '--data', world.data])).code).toBe(0);
    const { generation } = JSON.parse(await readFile(join(backup, 'backup.json'), 'utf8')) as { generation: string };
    const lost = join(backup, generation, 'root.key');
    const flipped = await fileOf(join(backup, 'blobs'), image.layerDigest);
    await unlink(lost);
    await flipBit(flipped);
    const verified = await world.berth(['backup', '--verify', backup]);
    expect(verified.code).toBe(2);
    expect(verified.stdout).toContain(`${lost} is gone`);
    expect(verified.stdout).toContain(`${flipped} does not hold ${image.layerDigest}`);
  });

  test('kill -9 in the middle leaves the earlier backup whole, and the next one goes on', async () => {
    await using world = await startServer();
    const account: Account = { ...world, loginServer: world.ready.loginServer };
    const backup = join(world.folder, 'backup');
    await pushImage(account, 'team/app', 'v1', randomBytes(100_000));
    expect((await world.berth(['backup', backup, '--data', world.data])).code).toBe(0);
    const earlier = await readFile(join(backup, 'backup.json'), 'utf8');
    for (let count = 0; count < 6; count++) await pushBlob(account, 'team/app', randomBytes(150_000));
    const slow = ['backup', backup, '--data', world.data, '--rate', '100000'];
    const command = world.start(process.execPath, [launcher, ...slow]);
    const objects = async () => (await filesIn(join(backup, 'blobs', 'objects'))).length;
    await until('an object that was copied', async () => ((await objects()) > 1 ? true : undefined));
    const second = await world.berth(['backup', join(world.folder, 'other'), '--data', world.data]);
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('is under way') });
    await world.server.stop('SIGKILL');
    expect((await command.exit).code).toBe(1);
    expect(await readFile(join(backup, 'backup.json'), 'utf8')).toBe(earlier);
    expect((await world.berth(['backup', '--verify', backup])).code).toBe(0);

    await world.up(anyPorts).ready();
    const next = await world.berth(['backup', backup, '--data', world.data, '--json']);
    const report = JSON.parse(next.stdout) as { objects: number; copied: number };
    expect(report).toMatchObject({ state: 'done', objects: 7 });
    expect(report.copied).toBeLessThan(6);
    expect((await readdir(backup)).filter((name) => name.startsWith('generation-'))).toHaveLength(1);
    expect(await readdir(join(backup, 'blobs', 'staged'))).toEqual([]);
    expect((await world.berth(['backup', '--verify', backup])).code).toBe(0);
  });

  test('a stop ends a backup under way at once, and says so', async () => {
    await using world = await startServer();
    const account: Account = { ...world, loginServer: world.ready.loginServer };
    const backup = join(world.folder, 'backup');
    for (let count = 0; count < 6; count++) await pushBlob(account, 'team/app', randomBytes(150_000));
    const slow = ['backup', backup, '--data', world.data, '--rate', '10000'];
    const command = world.start(process.execPath, [launcher, ...slow]);
    await until('the folder of the backup', async () => ((await filesIn(backup)).length > 0 ? true : undefined));
    expect((await world.server.stop()).code).toBe(0);
    expect((await command.exit).code).toBe(1);
    expect(await readdir(backup)).not.toContain('backup.json');
    expect((await readdir(backup)).filter((name) => name.startsWith('generation-'))).toEqual([]);
  });

  test('refuse folders that are not theirs', async () => {
    await using world = await startServer();
    await using foreign = await startServer();
    const backup = join(world.folder, 'backup');
    const full = join(world.folder, 'full');
    await mkdir(full);
    await writeFile(join(full, 'letter.txt'), 'mine');
    expect((await foreign.berth(['backup', backup, '--data', foreign.data])).code).toBe(0);
    for (const [target, reason] of [
      [full, 'holds "letter.txt"'],
      [join(world.data, 'backup'), 'lies in the data folder'],
      [world.folder, 'or around it'],
      [backup, 'of another deployment'],
      [join(world.folder, 'no', 'such'), 'cannot write into'],
    ] as const) {
      const refused = await world.berth(['backup', target, '--data', world.data]);
      expect([target, refused.code, refused.stderr]).toEqual([target, 1, expect.stringContaining(reason)]);
    }
    const occupied = await world.berth(['restore', backup, '--data', world.data]);
    expect(occupied).toMatchObject({ code: 1, stderr: expect.stringContaining('is not empty') });
    const inside = await world.berth(['restore', backup, '--data', join(backup, 'inside')]);
    expect(inside).toMatchObject({ code: 1, stderr: expect.stringContaining('lies in the backup') });
    expect(await readdir(full)).toEqual(['letter.txt']);
    expect((await world.berth(['backup', '--verify', backup])).code).toBe(0);
  });

  test('a restored copy does not write into the backups of the original', async () => {
    await using world = await startServer();
    const account: Account = { ...world, loginServer: world.ready.loginServer };
    const backup = join(world.folder, 'backup');
    await pushImage(account, 'team/app', 'v1', randomBytes(100_000));
    expect((await world.berth(['backup', backup, '--data', world.data])).code).toBe(0);
    const copy = await restored(world, backup, account);
    await pushImage(account, 'team/app', 'v2', randomBytes(90_000));
    expect((await world.berth(['backup', backup, '--data', world.data])).code).toBe(0);
    const before = await stateOf(backup);
    const refused = await world.berth(['backup', backup, '--data', copy.data]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('a restored copy and its original') });
    expect(refused.stderr).toContain('name an empty folder');
    expect(await stateOf(backup)).toEqual(before);
    // Each goes on in a folder of its own.
    const own = join(world.folder, 'own');
    for (const [target, folder] of [
      [own, copy.data],
      [own, copy.data],
      [backup, world.data],
    ] as const) {
      expect((await world.berth(['backup', target, '--data', folder])).code).toBe(0);
    }
    const said = async (folder: string, file: string) =>
      JSON.parse(await readFile(join(folder, file), 'utf8')) as { deploymentId: string; incarnation: string };
    for (const file of ['deployment.json', 'backup.json']) {
      const [original, other] = [await said(backup, file), await said(own, file)];
      expect(original.incarnation).toMatch(/./);
      expect(other.deploymentId).toBe(original.deploymentId);
      expect(other.incarnation).not.toBe(original.incarnation);
    }
    // A folder that does not say it is taken for nobody's.
    const { incarnation: _, ...unsaid } = await said(backup, 'deployment.json');
    await writeFile(join(backup, 'deployment.json'), JSON.stringify(unsaid));
    expect(await world.berth(['backup', backup, '--data', world.data])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('does not say whose backup it holds'),
    });
  });

  test('without keys, the copy asks for the root key before it starts', async () => {
    await using world = await startServer();
    const account: Account = { ...world, loginServer: world.ready.loginServer };
    const image = await pushImage(account, 'team/app', 'v1', randomBytes(1_000));
    const backup = join(world.folder, 'backup');
    await world.berth(['backup', backup, '--data', world.data, '--without-keys']);
    expect((await filesIn(backup)).filter((name) => name.endsWith('root.key'))).toEqual([]);
    const data = join(world.folder, 'restored');
    const made = await world.berth(['restore', backup, '--data', data]);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('put root.key') });
    const refused = await world.berth(['up', '--data', data, ...anyPorts]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('root.key is gone') });
    await cp(join(world.data, 'root.key'), join(data, 'root.key'));
    const server = world.start(process.execPath, [launcher, 'up', '--json', '--data', data, ...anyPorts]);
    const { loginServer } = await server.ready();
    expect((await askAs({ ...account, loginServer }, image.manifestPath)).status).toBe(200);
  });
});

/** Mounts a small file system; says why when it cannot. */
function mountSmall(path: string): string | undefined {
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'berth-test', path]);
  return mounted.status === 0 ? undefined : `no tmpfs may be mounted here: ${mounted.stderr?.toString().trim()}`;
}

describe('a backup onto a disk that is full', patience, () => {
  test('says so, leaves the earlier one whole, and hinders no push', async ({ skip }) => {
    await using scratch = await openScratch();
    const backup = join(scratch.folder, 'small');
    await mkdir(backup);
    const refusal = mountSmall(backup);
    if (refusal !== undefined) {
      console.info(`skipped: ${refusal}`);
      skip(refusal);
    }
    try {
      const server = scratch.up();
      const { loginServer, username = '', password = '' } = await server.ready();
      const account: Account = { loginServer, username, password };
      await pushImage(account, 'team/app', 'v1', randomBytes(100_000));
      expect((await scratch.berth(['backup', backup, '--data', scratch.data])).code).toBe(0);
      const earlier = await readFile(join(backup, 'backup.json'), 'utf8');
      await pushImage(account, 'team/app', 'v2', randomBytes(3_000_000));
      const full = await scratch.berth(['backup', backup, '--data', scratch.data]);
      expect(full).toMatchObject({ code: 1, stderr: expect.stringContaining(`no space is left in ${backup}`) });
      expect(await readFile(join(backup, 'backup.json'), 'utf8')).toBe(earlier);
      expect((await scratch.berth(['backup', '--verify', backup])).code).toBe(0);
      await pushImage(account, 'team/app', 'v3', randomBytes(100_000));
      expect((await server.stop()).code).toBe(0);
    } finally {
      spawnSync('umount', [backup]);
    }
  });
});
