import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { manualClock, randomIds } from '../kernel/index.ts';
import { openDataFolder } from './data-folder.ts';
import { readRunInfo } from './run-file.ts';
import { StartRefusal } from './start-refusal.ts';

async function makeWorld() {
  const root = await mkdtemp(join(tmpdir(), 'berth-folder-'));
  const path = join(root, 'data');
  const clock = manualClock();
  return {
    root,
    path,
    clock,
    open: (at = path, pid = process.pid) => openDataFolder({ path: at, clock, ids: randomIds, pid, temporary: root }),
    async [Symbol.asyncDispose]() {
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

describe('a first start', () => {
  test('makes the folder, the root key and berth.json, for the owner only', async () => {
    await using world = await makeWorld();
    await using folder = await world.open(join(world.path, 'deep'));
    expect(folder).toMatchObject({ isNew: true, created: world.clock.now() });
    expect(folder.rootKey).toHaveLength(32);
    expect(await modeOf(folder.path)).toBe('700');
    expect(await modeOf(join(folder.path, 'root.key'))).toBe('600');
    expect(JSON.parse(await readFile(join(folder.path, 'berth.json'), 'utf8'))).toEqual({
      format: 1,
      deploymentId: folder.deploymentId,
      created: folder.created,
    });
  });

  test('accepts a folder with the configuration file only, and closes it to others', async () => {
    await using world = await makeWorld();
    await mkdir(world.path, { mode: 0o755 });
    await writeFile(join(world.path, 'berth.yaml'), '');
    await using folder = await world.open();
    expect(folder.isNew).toBe(true);
    expect(await modeOf(world.path)).toBe('700');
  });

  test('refuses a folder that holds other things, and leaves it as it was', async () => {
    await using world = await makeWorld();
    await mkdir(world.path);
    await writeFile(join(world.path, 'thesis.txt'), '');
    await expect(world.open()).rejects.toThrow(/holds "thesis.txt" but no data of Berth/);
    expect(await readdir(world.path)).toEqual(['thesis.txt']);
  });

  test('completes one that was interrupted before berth.json, and keeps its root key', async () => {
    await using world = await makeWorld();
    await (await world.open()).close();
    const key = await readFile(join(world.path, 'root.key'), 'utf8');
    await rm(join(world.path, 'berth.json'));
    await writeFile(join(world.path, 'berth.json.tmp-00ff00ff00ff'), '{');
    await using folder = await world.open();
    expect(folder.isNew).toBe(true);
    expect(Buffer.from(folder.rootKey).toString('base64')).toBe(key.trim());
    expect((await readdir(world.path)).toSorted()).toEqual(['berth.json', 'lock', 'lock.pid', 'root.key']);
  });
});

describe('a later start', () => {
  test('finds the same deployment and key', async () => {
    await using world = await makeWorld();
    const first = await world.open();
    await first.close();
    world.clock.advance(1000);
    await using second = await world.open();
    expect(second).toMatchObject({ isNew: false, deploymentId: first.deploymentId, created: first.created });
    expect(second.rootKey).toEqual(first.rootKey);
  });

  test.each([
    ['{"format":2,"other":"shape"}', /data of an incompatible version: format 2/],
    ['{"format":0}', /data of an incompatible version: format 0/],
    ['{"format":1}', /is damaged/],
    ['{', /is damaged/],
    ['null', /is damaged/],
  ])('refuses berth.json with %s', async (text, reason) => {
    await using world = await makeWorld();
    await (await world.open()).close();
    await writeFile(join(world.path, 'berth.json'), text);
    const refused = world.open();
    await expect(refused).rejects.toThrow(StartRefusal);
    await expect(refused).rejects.toThrow(reason);
    await writeFile(join(world.path, 'berth.json'), '{"format":1,"deploymentId":"d","created":1}');
    await using folder = await world.open();
    expect(folder.deploymentId).toBe('d');
  });

  test.runIf(process.platform !== 'win32')('refuses a root key that others may read', async () => {
    await using world = await makeWorld();
    await (await world.open()).close();
    for (const mode of [0o640, 0o604, 0o620]) {
      await chmod(join(world.path, 'root.key'), mode);
      await expect(world.open()).rejects.toThrow(`mode ${mode.toString(8)}`);
    }
    await chmod(join(world.path, 'root.key'), 0o400);
    await using folder = await world.open();
    expect(folder.isNew).toBe(false);
  });

  test('refuses a root key that is gone or damaged, and makes no new one', async () => {
    await using world = await makeWorld();
    await (await world.open()).close();
    await writeFile(join(world.path, 'root.key'), 'AAAA');
    await expect(world.open()).rejects.toThrow(/root.key is damaged/);
    await rm(join(world.path, 'root.key'));
    await expect(world.open()).rejects.toThrow(/root.key is gone/);
    expect(await readdir(world.path)).not.toContain('root.key');
  });
});

describe('a folder that cannot be used', () => {
  test('is refused in one line when a part of the path is a file', async () => {
    await using world = await makeWorld();
    await writeFile(world.path, '');
    await expect(world.open()).rejects.toThrow(/is not a folder/);
    await expect(world.open(join(world.path, 'below'))).rejects.toThrow(StartRefusal);
  });

  test.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
    'is refused in one line when it may not be written (skipped for root, who may)',
    async () => {
      await using world = await makeWorld();
      await mkdir(world.path, { mode: 0o500 });
      await expect(world.open()).rejects.toThrow(/this user may not write there|cannot be written/);
      await expect(world.open(join(world.path, 'below'))).rejects.toThrow(/this user may not write there/);
    },
  );

  test.runIf(process.platform === 'linux')('is refused in one line when the system has no such place', async () => {
    await using world = await makeWorld();
    await expect(world.open('/proc/berth-data')).rejects.toThrow(/cannot be used: a part of the path cannot be made/);
  });
});

describe('the lock', () => {
  test('keeps a second opener out and names the holder, until it is released', async () => {
    await using world = await makeWorld();
    const first = await world.open(world.path, 4321);
    await expect(world.open()).rejects.toThrow(`${world.path} is in use by the process with pid 4321`);
    await first.close();
    await first.close();
    await using second = await world.open();
    expect(second.isNew).toBe(false);
  });

  test('is free again at once after kill -9 of its holder', async () => {
    await using world = await makeWorld();
    const holder = await startHolder(world.path);
    await expect(world.open()).rejects.toThrow(`in use by the process with pid ${holder.pid}`);
    await holder.kill();
    await using folder = await world.open();
    expect(folder.isNew).toBe(false);
    expect(await readRunInfo(world.path)).toBeUndefined();
  });
});

describe('run.json and the socket', () => {
  test('tell where the server is while it runs, and go when it stops', async () => {
    await using world = await makeWorld();
    const folder = await world.open();
    expect(await readRunInfo(world.path)).toBeUndefined();
    const info = { pid: 1, started: world.clock.now(), endpoints: { http: ['http://localhost:5000'] } };
    await folder.announce(info);
    expect(await readRunInfo(world.path)).toEqual({ ...info, socket: join(world.path, 'berth.sock') });
    expect(await modeOf(join(world.path, 'run.json'))).toBe('600');
    await folder.close();
    expect((await readdir(world.path)).toSorted()).toEqual(['berth.json', 'lock', 'root.key']);
  });

  test('a socket left by a killed process is out of the way', async () => {
    await using world = await makeWorld();
    await (await world.open()).close();
    await writeFile(join(world.path, 'berth.sock'), '');
    await using folder = await world.open();
    expect(await canListen(folder.socketPath)).toBe(true);
  });

  test('a path too long for a Unix socket moves it to a closed folder elsewhere', async () => {
    await using world = await makeWorld();
    const folder = await world.open(join(world.root, 'd'.repeat(100)));
    expect(Buffer.byteLength(folder.socketPath)).toBeLessThanOrEqual(100);
    expect(await modeOf(join(folder.socketPath, '..'))).toBe('700');
    expect(await canListen(folder.socketPath)).toBe(true);
    await folder.close();
    expect((await readdir(world.root)).filter((name) => name.startsWith('berth-'))).toEqual([]);
  });

  test('a folder that somebody else could have prepared for it is refused', async () => {
    await using world = await makeWorld();
    const long = join(world.root, 'd'.repeat(100));
    const first = await world.open(long);
    await first.close();
    const elsewhere = join(world.root, `berth-${first.deploymentId.slice(0, 16)}`);
    await mkdir(elsewhere);
    await chmod(elsewhere, 0o777);
    await expect(world.open(long)).rejects.toThrow(/is not a folder of this user alone/);
  });
});

async function canListen(path: string): Promise<boolean> {
  const server = createServer().listen(path);
  await once(server, 'listening');
  const { listening } = server;
  server.close();
  await once(server, 'close');
  return listening;
}

/** A second process that opens the folder and stays until it is killed. */
async function startHolder(path: string): Promise<{ pid: number; kill(): Promise<void> }> {
  const program = `
    import { openDataFolder } from ${JSON.stringify(fileURLToPath(new URL('data-folder.ts', import.meta.url)))};
    import { randomIds, systemClock } from ${JSON.stringify(fileURLToPath(new URL('../kernel/index.ts', import.meta.url)))};
    const folder = await openDataFolder({ path: ${JSON.stringify(path)}, clock: systemClock, ids: randomIds, pid: process.pid });
    await folder.announce({ pid: process.pid, started: 0, endpoints: {} });
    console.log('open');
    process.stdin.resume();
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  expect(line).toBe('open');
  return {
    pid: child.pid ?? 0,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
