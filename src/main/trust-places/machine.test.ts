import { rmSync, symlinkSync, watch } from 'node:fs';
import { link, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { thisMachine } from './machine.ts';

async function openFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'berth-machine-'));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

const machine = thisMachine({ env: process.env, home: '/nowhere', isRoot: false });

describe('a step on files', () => {
  test('writes for every reader, whatever the mask of the process', async () => {
    await using place = await openFolder();
    const path = join(place.folder, 'certs.d', 'host:8443', 'ca.crt');
    const mask = process.umask(0o077);
    try {
      await mkdir(join(place.folder, 'certs.d', 'host:8443'), { recursive: true });
      await machine.perform({ kind: 'write', path, text: 'text' });
    } finally {
      process.umask(mask);
    }
    expect(await readFile(path, 'utf8')).toBe('text');
    expect((await stat(path)).mode & 0o777).toBe(0o644);
  });

  test('changes the mode of what it wrote, not of what somebody puts into its place', async () => {
    await using place = await openFolder();
    const path = join(place.folder, 'certs.d', 'ca.crt');
    const secret = join(place.folder, 'secret');
    await writeFile(secret, 'secret', { mode: 0o600 });
    await mkdir(join(place.folder, 'certs.d'));
    const swapped = Promise.withResolvers<void>();
    const watcher = watch(join(place.folder, 'certs.d'), (_event, name) => {
      if (name !== 'ca.crt') return;
      watcher.close();
      rmSync(path);
      symlinkSync(secret, path);
      swapped.resolve();
    });
    await machine.perform({ kind: 'write', path, text: 'text' });
    await swapped.promise;
    expect((await stat(secret)).mode & 0o777).toBe(0o600);
  });

  test('edits the file itself, which may be a mount', async () => {
    await using place = await openFolder();
    const path = join(place.folder, 'hosts');
    await writeFile(path, 'before', { mode: 0o640 });
    await link(path, join(place.folder, 'same'));
    await machine.perform({ kind: 'edit', path, text: 'after' });
    expect(await readFile(join(place.folder, 'same'), 'utf8')).toBe('after');
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });

  test('removes a file with the folders that are empty then, and no others', async () => {
    await using place = await openFolder();
    const [host, other] = [join(place.folder, 'certs.d', 'host'), join(place.folder, 'certs.d', 'other')];
    const removed = (folder: string) =>
      machine.perform({
        kind: 'remove',
        path: join(folder, 'ca.crt'),
        emptyFolders: [folder, join(place.folder, 'certs.d')],
      });
    for (const folder of [host, other]) {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'ca.crt'), 'x');
    }
    await writeFile(join(other, 'client.key'), 'x');
    await removed(host);
    expect(await machine.list(join(place.folder, 'certs.d'))).toEqual(['other']);
    await removed(other);
    expect(await machine.list(other)).toEqual(['client.key']);
    // What is gone already is no error.
    await removed(host);
  });
});

describe('a program', () => {
  test('is told its arguments as they are, by no shell, and gets no input', async () => {
    const args = ['-e', 'process.stdin.on("data", () => {}).on("end", () => console.log(process.argv[1]))', '$(id); *'];
    expect(await machine.run(process.execPath, args)).toEqual({ code: 0, stdout: '$(id); *\n', stderr: '' });
  });

  test('that fails is quoted with its last word', async () => {
    const args = ['-e', 'console.error("first"); console.error("no such database"); process.exit(3)'];
    const step = { kind: 'run', program: process.execPath, args } as const;
    await expect(machine.perform(step)).rejects.toThrow(/ ended with 3: no such database$/);
  });

  test('that is not there is an error of the step, not of the process', async () => {
    expect(await machine.run('no-such-program-here', [])).toMatchObject({ code: -1 });
    expect(await machine.find('no-such-program-here')).toBeUndefined();
    const step = { kind: 'run', program: 'no-such-program-here', args: [] } as const;
    await expect(machine.perform(step)).rejects.toThrow(/ended with -1: .*ENOENT/);
  });
});
