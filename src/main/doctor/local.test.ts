import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkDateHeader, checkFileClock, compareClocks } from './clock.ts';
import { checkDescriptors, checkDisk, type DiskMeter, diskMeter } from './disk.ts';
import { checkFolder } from './folder.ts';
import { checkNames } from './names.ts';
import { checkFreePorts, checkListeners } from './ports.ts';
import { checkProxyEnvironment } from './proxy-environment.ts';

async function openFolder() {
  const path = await mkdtemp(join(tmpdir(), 'berth-doctor-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

async function takePort() {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

const gib = 1 << 30;
const commOfThis = readFileSync('/proc/self/comm', 'utf8').trim();
const goodDisk: DiskMeter = {
  space: async () => ({ freeBytes: 50 * gib, allBytes: 100 * gib, freeInodes: 900, allInodes: 1000 }),
  syncs: async () => [1, 2, 3],
  writeRate: async () => 500e6,
};

describe('the data folder', () => {
  test('that Berth made is in order', async () => {
    await using folder = await openFolder();
    await writeFile(join(folder.path, 'berth.json'), '{}');
    await writeFile(join(folder.path, 'root.key'), 'k', { mode: 0o600 });
    expect(await checkFolder(folder.path)).toMatchObject({ state: 'ok', found: expect.stringContaining('mode 700') });
    await chmod(folder.path, 0o755);
    expect(await checkFolder(folder.path)).toMatchObject({ state: 'warn', cure: `chmod 700 ${folder.path}` });
    await chmod(join(folder.path, 'root.key'), 0o644);
    expect(await checkFolder(folder.path)).toMatchObject({
      state: 'fail',
      cure: `chmod 600 ${join(folder.path, 'root.key')}`,
    });
  });

  test('that is absent, or not a deployment, is named', async () => {
    await using folder = await openFolder();
    expect(await checkFolder(folder.path)).toMatchObject({
      state: 'fail',
      found: expect.stringContaining('berth.json'),
    });
    expect(await checkFolder(join(folder.path, 'none'))).toMatchObject({ state: 'fail' });
  });
});

describe('the disk', () => {
  test('with room and speed is in order', async () => {
    const states = (await checkDisk('x', '/', goodDisk)).map(({ state }) => state);
    expect(states).toEqual(['ok', 'ok']);
  });

  test('that is slow at syncs is told by the median', async () => {
    const slow = { ...goodDisk, syncs: async () => [1, 25, 26, 27, 400] };
    expect((await checkDisk('x', '/', slow))[1]).toMatchObject({
      state: 'warn',
      found: expect.stringContaining('26.0 ms'),
      cure: expect.stringContaining('local SSD'),
    });
    // One slow sync among quick ones is no slow disk.
    const once = { ...goodDisk, syncs: async () => [1, 1, 1, 400] };
    expect((await checkDisk('x', '/', once))[1]?.state).toBe('ok');
  });

  test('that writes slowly is told', async () => {
    const slow = { ...goodDisk, writeRate: async () => 5e6 };
    expect((await checkDisk('x', '/', slow))[1]).toMatchObject({
      state: 'warn',
      found: expect.stringContaining('5 MB/s'),
    });
  });

  test.each([
    ['full', { freeBytes: gib / 2 }, 'fail'],
    ['nearly full', { freeBytes: 5 * gib }, 'warn'],
    ['without inodes', { freeInodes: 3 }, 'fail'],
  ])('that is %s is told', async (_, change, state) => {
    const meter = { ...goodDisk, space: async () => ({ ...(await goodDisk.space('')), ...change }) };
    const [space] = await checkDisk('x', '/', meter);
    expect(space).toMatchObject({ state, cure: expect.any(String) });
  });

  test('is measured for real, and nothing stays behind', async () => {
    await using folder = await openFolder();
    expect((await diskMeter.syncs(folder.path)).every((ms) => ms > 0)).toBe(true);
    expect(await diskMeter.writeRate(folder.path)).toBeGreaterThan(0);
    expect((await diskMeter.space(folder.path)).allBytes).toBeGreaterThan(0);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('of a server that may open fewer files than it holds connections is told', () => {
    const limits = (soft: string) =>
      `Limit   Soft Limit  Hard Limit  Units\nMax open files            ${soft}   4096   files\n`;
    expect(checkDescriptors(limits('1024'), 10_000)).toMatchObject({
      state: 'warn',
      cure: expect.stringContaining('LimitNOFILE'),
    });
    expect(checkDescriptors(limits('20000'), 10_000).state).toBe('ok');
    expect(checkDescriptors(limits('unlimited'), 10_000).state).toBe('ok');
    expect(checkDescriptors('', 10_000).state).toBe('skipped');
  });
});

describe('the clock', () => {
  const now = Date.UTC(2026, 5, 1);

  test('may be half a minute off, not more, and is told which way', () => {
    expect(compareClocks('c', now, now + 29_000, 0).state).toBe('ok');
    expect(compareClocks('c', now, now + 31_000, 0)).toMatchObject({
      state: 'warn',
      found: '31 s ahead of this machine',
    });
    expect(compareClocks('c', now, now - 90_000, 0)).toMatchObject({
      state: 'warn',
      found: '90 s behind this machine',
    });
  });

  test('of another host is read from its answers', () => {
    expect(checkDateHeader('h', new Date(now + 120_000).toUTCString(), now).state).toBe('warn');
    expect(checkDateHeader('h', new Date(now).toUTCString(), now).state).toBe('ok');
    expect(checkDateHeader('h', undefined, now).state).toBe('skipped');
  });

  test('of the file system is compared by a file', async () => {
    await using folder = await openFolder();
    expect((await checkFileClock(folder.path, Date.now)).state).toBe('ok');
    expect((await checkFileClock(folder.path, () => Date.now() + 3_600_000)).state).toBe('warn');
  });
});

describe('ports', () => {
  test('that another program has are told with its name, which for the defaults is no failure', async () => {
    await using taken = await takePort();
    const wanted = { name: 'https', host: '127.0.0.1', port: taken.port, mayMove: false };
    const [finding] = await checkFreePorts([wanted]);
    expect(finding).toMatchObject({
      state: 'fail',
      found: `port ${taken.port} is taken by ${commOfThis} (pid ${process.pid})`,
      cure: expect.stringContaining('https.listen'),
    });
    expect((await checkFreePorts([{ ...wanted, mayMove: true }]))[0]?.state).toBe('warn');
  });

  test('that are free are in order, and addresses of others are not', async () => {
    const port = await takePort();
    await port[Symbol.asyncDispose]();
    const wanted = { name: 'http', host: '127.0.0.1', port: port.port, mayMove: false };
    expect((await checkFreePorts([wanted]))[0]?.state).toBe('ok');
    expect((await checkFreePorts([{ ...wanted, host: '192.0.2.1' }]))[0]?.state).toBe('fail');
  });

  test('of a running server must take connections, and be where they were wanted', async () => {
    await using used = await takePort();
    await using other = await takePort();
    const placed = { name: 'http', host: '127.0.0.1', port: used.port };
    expect((await checkListeners([placed], []))[0]?.state).toBe('ok');
    const wanted = { ...placed, port: other.port, mayMove: true };
    expect((await checkListeners([placed], [wanted]))[0]).toMatchObject({
      state: 'warn',
      found: expect.stringContaining(`port ${other.port} is taken by`),
    });
    const gone = await takePort();
    await gone[Symbol.asyncDispose]();
    expect((await checkListeners([{ ...placed, port: gone.port }], []))[0]?.state).toBe('fail');
  });
});

describe('names', () => {
  const unknown = async (): Promise<string[]> => {
    throw Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
  };

  test('are told with their addresses', async () => {
    const resolve = async () => ['10.0.0.1', '10.0.0.1'];
    const [finding] = await checkNames(['a.example.com'], { resolve, domain: 'example.com', plainServer: null });
    expect(finding).toMatchObject({ state: 'ok', found: 'resolves to 10.0.0.1' });
  });

  test('of a domain of the user must resolve; those of localhost work in some clients', async () => {
    const own = await checkNames(['a.example.com'], { resolve: unknown, domain: 'example.com', plainServer: null });
    expect(own[0]).toMatchObject({ state: 'fail', cure: expect.stringContaining('*.example.com') });
    const local = { resolve: unknown, domain: 'berth.localhost', plainServer: 'localhost:5000' };
    expect((await checkNames(['a.berth.localhost'], local))[0]).toMatchObject({
      state: 'warn',
      found: expect.stringContaining('not in docker, podman, Node and Python'),
      cure: expect.stringMatching(/127\.0\.0\.1 a\.berth\.localhost.*localhost:5000/),
    });
  });
});

describe('proxy variables', () => {
  const hosts = ['localhost', 'a.example.com'];

  test.each([
    [{}, 'ok'],
    [{ HTTPS_PROXY: 'http://proxy:3128' }, 'warn'],
    [{ https_proxy: 'http://proxy:3128', NO_PROXY: 'other.com' }, 'warn'],
    [{ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'xample.com' }, 'warn'],
    [{ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'a.example.com' }, 'ok'],
    [{ HTTPS_PROXY: 'http://proxy:3128', no_proxy: '10.0.0.1,.example.com' }, 'ok'],
    [{ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: '*' }, 'ok'],
  ])('%j: %s', (env, state) => {
    expect(checkProxyEnvironment(env, hosts).state).toBe(state);
  });
});
