import { execFile, execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { blobStoreContract } from '../../ports/blob-store.contract.ts';
import type { BlobStore } from '../../ports/index.ts';
import { groupedDirectorySync } from './directory-sync.ts';
import { fsBlobStore } from './index.ts';
import { dropBytes } from './open-file.ts';
import { portError } from './port-error.ts';

const run = promisify(execFile);
/** Its content does not matter. */
const mark = '.berth-blobs';
const onLinux = process.platform === 'linux';
const adapter = new URL('./index.ts', import.meta.url).href;

blobStoreContract('fs', () => makeWorld(), { boundedMemory: true, survivesRestart: true });

describe('the file system blob store: layout', () => {
  test('keeps staged and committed objects in folders of their own, for the owner only', async () => {
    await using world = await makeWorld();
    await stageText(world.store, 'ab-one', 'abc');
    await stageText(world.store, 'ab-two', 'abcd');
    expect(await world.store.commit('ab-one', 3)).toBe('ab/ab-one');
    expect(await filesIn(world.directory)).toEqual(['objects/ab/ab-one', 'staged/ab-two']);
    for (const folder of ['.', 'staged', 'objects', 'objects/ab'])
      expect(await modeOf(world.directory, folder)).toBe(0o700);
    for (const file of ['staged/ab-two', 'objects/ab/ab-one']) expect(await modeOf(world.directory, file)).toBe(0o600);
  });

  test('may be opened twice: what one stages or commits is there for the other, and commits of one key agree', async () => {
    await using world = await makeWorld();
    const other = await world.reopen();
    for (let round = 0; round < 20; round++) {
      const key = `k${round}-shared`;
      await stageText(world.store, key, 'abc');
      const locations = await Promise.all([world.store.commit(key, 3), other.commit(key, 3)]);
      expect(new Set(locations).size).toBe(1);
      expect(await other.stat(locations[0])).toEqual({ size: 3 });
    }
    expect(await world.store.list({ last: null, limit: 100 })).toHaveLength(20);
    expect(await other.listStaged({ last: null, limit: 100 })).toEqual([]);
  });

  test('lists no file that is not its own', async () => {
    await using world = await makeWorld();
    await writeFile(join(world.directory, 'staged', '.hidden'), '');
    await mkdir(join(world.directory, 'objects', 'lost+found'));
    await mkdir(join(world.directory, 'objects', 'ab'));
    await writeFile(join(world.directory, 'objects', 'ab', 'cd-elsewhere'), '');
    expect(await world.store.list({ last: null, limit: 10 })).toEqual([]);
    expect(await world.store.listStaged({ last: null, limit: 10 })).toEqual([]);
  });

  test.each([
    '',
    '..',
    '../staged/xx',
    'ab/../ab',
    'ab/cd-other',
    'ab//ab-x',
    '/ab/ab-x',
    'ab/ab-x/..',
    'ab\0/ab-x',
    'ab-x',
  ])('refuses the location %j and touches nothing', async (location) => {
    await using world = await makeWorld();
    await stageText(world.store, 'xx', 'abc');
    await expect(world.store.open(location)).rejects.toThrow(TypeError);
    await expect(world.store.stat(location)).rejects.toThrow(TypeError);
    await expect(world.store.remove(location)).rejects.toThrow(TypeError);
    expect(await filesIn(world.directory)).toEqual(['staged/xx']);
  });

  test('never changes a committed object when its key is staged again', async () => {
    await using world = await makeWorld();
    await stageText(world.store, 'ab-one', 'abc');
    const location = await world.store.commit('ab-one', 3);
    await stageText(world.store, 'ab-one', 'xyz');
    expect(await world.store.commit('ab-one', 3)).toBe(location);
    expect(await filesIn(world.directory)).toEqual(['objects/ab/ab-one']);
    expect(await readFile(join(world.directory, 'objects', location), 'utf8')).toBe('abc');
  });
});

describe('the file system blob store: errors', () => {
  test.skipIf(!onLinux)('says that the disk is full, and names no path', async () => {
    await using world = await makeWorld();
    await symlink('/dev/full', join(world.directory, 'staged', 'ab-one'));
    const staged = await world.store.stage('ab-one');
    const refused = staged.write(0, [Buffer.from('abc')]);
    await expect(refused).rejects.toMatchObject({ name: 'BlobStoreError', kind: 'full' });
    await expect(refused).rejects.not.toThrow(world.directory);
    await staged.close();
  });

  test.each([
    ['ENOENT', 'absent'],
    ['ENOSPC', 'full'],
    ['EDQUOT', 'full'],
    ['EIO', 'io'],
  ])('translates %s to %s', (code, kind) => {
    const error = Object.assign(new Error('from below'), { code, syscall: 'write' });
    expect(portError(error, 'writing')).toMatchObject({ kind, message: `writing: ${code}`, cause: error });
  });

  test('passes a bug on as it is', async () => {
    await using world = await makeWorld();
    const staged = await world.store.stage('ab-one');
    await expect(staged.read(Buffer.alloc(1), -1)).rejects.toThrow(RangeError);
    await staged.close();
    await expect(world.store.commit('ab-one', Number.NaN)).rejects.toThrow(RangeError);
    const bug = new TypeError('wrong');
    expect(portError(bug, 'writing')).toBe(bug);
  });

  test('fails to open a store where a file is in the way', async () => {
    await using world = await makeWorld();
    await writeFile(join(world.directory, 'file'), '');
    await expect(fsBlobStore({ directory: join(world.directory, 'file') })).rejects.toMatchObject({ kind: 'io' });
  });

  test.skipIf(!onLinux)('writes on after a short write, until the system says why', async () => {
    await using world = await makeWorld();
    const script = `
      import { fsBlobStore } from ${JSON.stringify(adapter)};
      const store = await fsBlobStore({ directory: process.argv[1] });
      const staged = await store.stage('ab-one');
      const chunk = Buffer.alloc(400, 'x');
      await staged.write(0, [chunk, chunk, chunk]).catch((error) => console.log(error.kind, error.cause.code));
    `;
    const limited = `ulimit -f 1; exec "$0" --input-type=module-typescript -e "$1" "$2"`;
    const { stdout } = await run('bash', ['-c', limited, process.execPath, script, world.directory]);
    expect(stdout).toBe('io EFBIG\n');
    expect((await stat(join(world.directory, 'staged', 'ab-one'))).size).toBe(1024);
  });
});

describe('the file system blob store: a folder that is away', () => {
  test('makes no object absent', async () => {
    await using world = await makeWorld();
    await stageText(world.store, 'ab-one', 'abc');
    const location = await world.store.commit('ab-one', 3);
    const away = `${world.directory}-away`;
    await rename(world.directory, away);
    const asked = [() => world.store.open(location), () => world.store.stat(location)];
    for (const ask of asked) {
      await expect(ask()).rejects.toMatchObject({ name: 'BlobStoreError', kind: 'io' });
      await expect(ask()).rejects.not.toThrow(world.directory);
    }
    // A mount point that nothing is mounted on, with whatever else made folders there.
    await mkdir(join(world.directory, 'objects', 'ab'), { recursive: true });
    for (const ask of asked) await expect(ask()).rejects.toMatchObject({ kind: 'io' });
    await rm(world.directory, { recursive: true });
    await rename(away, world.directory);
    expect(await world.store.stat(location)).toEqual({ size: 3 });
    await rm(join(world.directory, 'objects', location));
    await expect(world.store.open(location)).rejects.toMatchObject({ kind: 'absent' });
    expect(await world.store.stat(location)).toBeUndefined();
  });

  test('is known by a mark, which a folder of an earlier version gets when it is opened', async () => {
    await using world = await makeWorld();
    await stageText(world.store, 'ab-one', 'abc');
    const location = await world.store.commit('ab-one', 3);
    await rm(join(world.directory, mark));
    const again = await world.reopen();
    expect(await modeOf(world.directory, mark)).toBe(0o600);
    expect(await again.stat(location)).toEqual({ size: 3 });
    expect(await again.stat('ab/ab-none')).toBeUndefined();
    await again.close();
  });
});

describe('the file system blob store: handles', () => {
  test('closes a file only when the read that runs is over', async () => {
    await using world = await makeWorld();
    await stageText(world.store, 'ab-one', 'abc');
    const staged = await world.store.stage('ab-one');
    // More than there is: the read takes a second system call, which must not come after the close.
    const buffer = Buffer.alloc(10);
    const [read] = await Promise.all([staged.read(buffer, 0), staged.close()]);
    expect(read).toBe(3);
    expect(buffer.toString('utf8', 0, 3)).toBe('abc');
    await expect(staged.read(buffer, 0)).rejects.toMatchObject({ kind: 'io' });
  });

  test.skipIf(!onLinux)('keeps no file open after a failure', async () => {
    await using world = await makeWorld();
    await stageText(world.store, 'ab-one', 'abc');
    await expect(world.store.commit('ab-one', 4)).rejects.toMatchObject({ kind: 'incomplete' });
    await expect(world.store.open('ab/ab-none')).rejects.toMatchObject({ kind: 'absent' });
    expect(await openFilesBelow(world.directory)).toEqual([]);
    const staged = await world.store.stage('ab-one');
    expect(await openFilesBelow(world.directory)).toEqual(['open staged/ab-one']);
    await staged.close();
    expect(await openFilesBelow(world.directory)).toEqual([]);
  });
});

describe('dropping written bytes from a list of chunks', () => {
  const chunks = ['abc', 'd', '', 'efgh'].map((text) => Buffer.from(text));
  test.each(Array.from({ length: 9 }, (_, count) => count))('keeps all but the first %i bytes', (count) => {
    expect(Buffer.concat(dropBytes(chunks, count)).toString()).toBe('abcdefgh'.slice(count));
  });
});

describe('grouped directory syncs', () => {
  const gatedSync = () => {
    const gates: PromiseWithResolvers<void>[] = [];
    const paths: string[] = [];
    const sync = groupedDirectorySync((path) => {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      paths.push(path);
      return gate.promise;
    });
    return { sync, gates, paths };
  };

  test('serve all who come while one runs by the one after it', async () => {
    const { sync, gates, paths } = gatedSync();
    const first = sync('a');
    const late = [sync('a'), sync('a'), sync('a')];
    expect(paths).toEqual(['a']);
    gates[0]!.resolve();
    await first;
    await expect.poll(() => paths.length).toBe(2);
    const later = sync('a');
    gates[1]!.resolve();
    await Promise.all(late);
    await expect.poll(() => paths.length).toBe(3);
    gates[2]!.resolve();
    await later;
    const last = sync('a');
    expect(paths.length).toBe(4);
    gates[3]!.resolve();
    await last;
  });

  test('do not wait for another directory', async () => {
    const { sync, gates, paths } = gatedSync();
    const both = [sync('a'), sync('b')];
    expect(paths).toEqual(['a', 'b']);
    gates[1]!.resolve();
    await both[1];
    gates[0]!.resolve();
    await both[0];
  });

  test('fail only those whom the failed sync served', async () => {
    const { sync, gates, paths } = gatedSync();
    const first = sync('a');
    const second = sync('a');
    gates[0]!.reject(new Error('disk'));
    await expect(first).rejects.toThrow('disk');
    await expect.poll(() => paths.length).toBe(2);
    gates[1]!.resolve();
    await second;
  });
});

describe('the order of system calls of a commit', () => {
  const obstacle = whyNoTrace();
  test.skipIf(obstacle !== undefined)(
    `is data, name, directories, answer${obstacle === undefined ? '' : ` (skipped: ${obstacle})`}`,
    async () => {
      await using world = await makeWorld();
      const trace = join(world.directory, 'trace');
      const script = `
        import { writeSync } from 'node:fs';
        import { fsBlobStore } from ${JSON.stringify(adapter)};
        const store = await fsBlobStore({ directory: process.argv[1] });
        const staged = await store.stage('ab-one');
        await staged.write(0, [Buffer.from('wanted'), Buffer.from(' and not')]);
        await staged.close();
        await store.commit('ab-one', 6);
        writeSync(1, 'answered');
      `;
      const traced = 'pwritev,pwrite64,ftruncate,fdatasync,fsync,rename,renameat,renameat2,write';
      const child = [process.execPath, '--input-type=module-typescript', '-e', script, join(world.directory, 'store')];
      await run('strace', ['-f', '-y', '-o', trace, '-e', `trace=${traced}`, ...child]);
      const calls = callsIn(await readFile(trace, 'utf8'));
      const only = (name: RegExp, argument: RegExp) => {
        const found = calls.filter((call) => name.test(call.name) && argument.test(call.line));
        expect(found.length, `${name} ${argument}`).toBe(1);
        return found[0]!;
      };
      const order = [
        only(/^pwritev$/, /staged\/ab-one/),
        only(/^ftruncate$/, /staged\/ab-one.*, 6/),
        only(/^fdatasync$/, /staged\/ab-one/),
        only(/^rename/, /staged\/ab-one".*objects\/ab\/ab-one"/),
        only(/^fsync$/, /objects\/ab>/),
        only(/^write$/, /answered/),
      ];
      for (const [index, call] of order.slice(1).entries()) {
        expect(call.begin, `${order[index]!.line} before ${call.line}`).toBeGreaterThan(order[index]!.end);
      }
      const [renamed, answered] = [order[3]!, order[5]!];
      const parents = calls.filter((call) => call.name === 'fsync' && /store\/objects>/.test(call.line));
      expect(parents.some((call) => call.begin > renamed.end && call.end < answered.begin)).toBe(true);
    },
  );
});

async function makeWorld() {
  const parent = await mkdtemp(join(tmpdir(), 'berth-blob-fs-'));
  const directory = join(parent, 'blobs');
  const reopen = () => fsBlobStore({ directory });
  const store = await reopen();
  return {
    store,
    directory,
    reopen,
    leftovers: async () => [...(await filesIn(directory)), ...(await openFilesBelow(directory))],
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(parent, { recursive: true });
    },
  };
}

async function stageText(store: BlobStore, key: string, text: string): Promise<void> {
  const staged = await store.stage(key);
  await staged.write(0, [Buffer.from(text)]);
  await staged.close();
}

async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory() && entry.name !== mark)
    .map((entry) => join(entry.parentPath, entry.name));
  return files.map((file) => file.slice(directory.length + 1)).sort();
}

async function modeOf(directory: string, name: string): Promise<number> {
  return (await stat(join(directory, name))).mode & 0o777;
}

/** Files below a directory that this process holds open; known on Linux only. */
async function openFilesBelow(directory: string): Promise<string[]> {
  if (!onLinux) return [];
  const descriptors = await readdir('/proc/self/fd');
  const targets = await Promise.all(descriptors.map((each) => readlink(`/proc/self/fd/${each}`).catch(() => '')));
  return targets
    .filter((target) => target.startsWith(`${directory}/`))
    .map((target) => `open ${target.slice(directory.length + 1)}`);
}

function whyNoTrace(): string | undefined {
  if (!onLinux) return 'strace is for Linux';
  try {
    execFileSync('strace', ['-f', '-o', '/dev/null', 'true'], { stdio: 'ignore' });
    return undefined;
  } catch (error) {
    return `strace does not run here: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** System calls of a trace by the lines where each began and ended; calls of several threads interleave. */
function callsIn(trace: string): { name: string; line: string; begin: number; end: number }[] {
  const calls: { name: string; line: string; begin: number; end: number }[] = [];
  const running = new Map<string, (typeof calls)[number]>();
  for (const [index, text] of trace.split('\n').entries()) {
    const [, thread, line] = /^(\d+)\s+(.*)$/.exec(text) ?? [];
    if (thread === undefined || line === undefined) continue;
    if (line.startsWith('<... ')) {
      const call = running.get(thread);
      if (call) call.end = index;
      running.delete(thread);
      continue;
    }
    const name = /^(\w+)\(/.exec(line)?.[1];
    if (name === undefined) continue;
    const call = { name, line, begin: index, end: index };
    calls.push(call);
    if (line.endsWith('<unfinished ...>')) running.set(thread, call);
  }
  return calls;
}
