import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFile,
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const run = promisify(execFile);
const project = join(import.meta.dirname, '..');

/** Says how it was started, then waits for a signal or ends with the code it was asked for. */
const cli = `
export async function main(argv: readonly string[]): Promise<void> {
  const [command = '', ...rest] = argv.slice(2);
  if (command === 'wait') {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.on(signal, () => {
        console.log('got ' + signal);
        process.exit(7);
      });
    }
    setInterval(() => undefined, 1000);
    console.log('waiting');
    return;
  }
  if (command === 'die') process.kill(process.pid, 'SIGKILL');
  console.log(JSON.stringify({ major: Number(process.versions.node.split('.')[0]), command, rest, url: import.meta.url }));
  process.exitCode = Number(rest[0] ?? 0);
}
`;

/** An installation with the real launcher and builder, and a small program. */
async function makeWorld() {
  const root = await mkdtemp(join(tmpdir(), 'berth-launcher-'));
  await mkdir(join(root, 'bin'));
  await copyFile(join(project, 'bin', 'berth'), join(root, 'bin', 'berth'));
  await mkdir(join(root, 'tools'));
  for (const name of ['build.ts', 'vendor.ts']) await copyFile(join(project, 'tools', name), join(root, 'tools', name));
  await mkdir(join(root, 'src', 'main'), { recursive: true });
  await writeFile(join(root, 'src', 'main', 'cli.ts'), cli);
  await writeFile(join(root, 'package.json'), '{"type":"module"}');
  await writeFile(join(root, 'package-lock.json'), '{}');
  return {
    root,
    berth: join(root, 'bin', 'berth'),
    async [Symbol.asyncDispose]() {
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Makes the running Node the bundled one of an installation, and answers a Node that claims to be an old one. */
async function bundleNode(root: string): Promise<string> {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const folder = join(root, 'node_modules', `node-${platform}-${process.arch}`);
  await mkdir(join(folder, 'bin'), { recursive: true });
  await writeFile(join(folder, 'package.json'), '{}');
  await symlink(process.execPath, join(folder, 'bin', 'node'));
  return oldNode(root);
}

/** A Node that says it is version 18 to the launcher; the versions that really differ are tried by hand. */
async function oldNode(root: string): Promise<string> {
  const preload = join(root, 'old.cjs');
  await writeFile(
    preload,
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.8' } });\nObject.defineProperty(process, 'version', { value: 'v18.20.8' });\n",
  );
  return preload;
}

/** Code that, required, lets the process start no builder. */
async function withoutBuilder(root: string): Promise<string> {
  const preload = join(root, 'without-builder.cjs');
  await writeFile(
    preload,
    "require('node:child_process').execFileSync = () => { throw new Error('it builds'); };\nrequire('node:module').syncBuiltinESMExports();\n",
  );
  return preload;
}

describe.skipIf(process.platform === 'win32')('bin/berth', () => {
  test('builds the program at the first start and passes arguments untouched', async () => {
    await using world = await makeWorld();
    const { stdout, stderr } = await run(process.execPath, [world.berth, 'show', '0', '--flag', 'a b', '--', '-x']);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ command: 'show', rest: ['0', '--flag', 'a b', '--', '-x'] });
    expect(stdout).toContain('/dist/main/cli.js');
  });

  test('builds again when the sources changed, and runs dist alone where there are none', async () => {
    await using world = await makeWorld();
    await run(process.execPath, [world.berth, 'show']);
    await writeFile(join(world.root, 'src/main/cli.ts'), "export const main = (): void => console.log('new');\n");
    // A command beside a server that runs takes the program as it is; a start takes the new one.
    expect(JSON.parse((await run(process.execPath, [world.berth, 'show'])).stdout)).toMatchObject({ command: 'show' });
    expect((await run(process.execPath, [world.berth, 'up'])).stdout).toBe('new\n');
    await rm(join(world.root, 'src'), { recursive: true });
    await rm(join(world.root, 'tools'), { recursive: true });
    expect((await run(process.execPath, [world.berth])).stdout).toBe('new\n');
  });

  test('builds again from sources that came with old times, as tar and rsync leave them', async () => {
    await using world = await makeWorld();
    await run(process.execPath, [world.berth, 'up']);
    const source = join(world.root, 'src/main/cli.ts');
    await writeFile(source, "export const main = (): void => console.log('new');\n");
    for (const path of [source, join(world.root, 'src/main'), join(world.root, 'src')]) {
      await utimes(path, new Date('2020-01-01'), new Date('2020-01-01'));
    }
    expect((await run(process.execPath, [world.berth, 'up'])).stdout).toBe('new\n');
  });

  test('builds again after a build that was made when the clock was ahead', async () => {
    await using world = await makeWorld();
    await run(process.execPath, [world.berth, 'up']);
    for (const name of ['.stamp', 'main/cli.js']) {
      await utimes(join(world.root, 'dist', name), new Date('2100-01-01'), new Date('2100-01-01'));
    }
    await writeFile(join(world.root, 'src/main/cli.ts'), "export const main = (): void => console.log('new');\n");
    expect((await run(process.execPath, [world.berth, 'up'])).stdout).toBe('new\n');
  });

  test.each(['tools/build.ts', 'tools/vendor.ts'])('builds again with another %s', async (path) => {
    await using world = await makeWorld();
    await run(process.execPath, [world.berth, 'up']);
    const stamp = () => readFile(join(world.root, 'dist', '.stamp'), 'utf8');
    const before = await stamp();
    await appendFile(join(world.root, path), '\n// Changed.\n');
    await utimes(join(world.root, path), new Date('2020-01-01'), new Date('2020-01-01'));
    await run(process.execPath, [world.berth, 'up']);
    expect(await stamp()).not.toBe(before);
  });

  test('starts no builder when nothing changed, and one only once when something was touched', async () => {
    await using world = await makeWorld();
    const blocked = ['--require', await withoutBuilder(world.root), world.berth, 'up'];
    await expect(run(process.execPath, blocked)).rejects.toThrow('it builds');
    await run(process.execPath, [world.berth, 'up']);
    await run(process.execPath, blocked);
    await utimes(join(world.root, 'src/main/cli.ts'), new Date(), new Date());
    await expect(run(process.execPath, blocked)).rejects.toThrow('it builds');
    await run(process.execPath, [world.berth, 'up']);
    await run(process.execPath, blocked);
    await writeFile(join(world.root, 'src/main/new.ts'), 'export {};\n');
    await expect(run(process.execPath, blocked)).rejects.toThrow('it builds');
  });

  test('works through a link, as package managers make it', async () => {
    await using world = await makeWorld();
    const link = join(world.root, 'link');
    await symlink(world.berth, link);
    await chmod(world.berth, 0o755);
    const { stdout } = await run(link, ['show'], {
      env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` },
    });
    expect(JSON.parse(stdout)).toMatchObject({ command: 'show' });
  });

  test('ends with the code of the program', async () => {
    await using world = await makeWorld();
    await expect(run(process.execPath, [world.berth, 'show', '3'])).rejects.toMatchObject({ code: 3 });
  });
});

describe.skipIf(process.platform === 'win32')('bin/berth on an older Node', () => {
  test('runs on the bundled one, arguments and exit code untouched', async () => {
    await using world = await makeWorld();
    const old = await bundleNode(world.root);
    const ended = run(process.execPath, ['--require', old, world.berth, 'show', '5', '--a=b']);
    await expect(ended).rejects.toMatchObject({ code: 5 });
    const output = await ended.then(
      ({ stdout }) => stdout,
      (error: unknown) => (error as { stdout: string }).stdout,
    );
    expect(JSON.parse(output)).toMatchObject({ major: 24, rest: ['5', '--a=b'] });
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('passes %s on, and ends as the program ends', async (signal) => {
    await using world = await makeWorld();
    const old = await bundleNode(world.root);
    const child = spawn(process.execPath, ['--require', old, world.berth, 'wait'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('waiting');
    child.kill(signal);
    expect((await lines.next()).value).toBe(`got ${signal}`);
    expect(await exited).toEqual([7, null]);
  });

  test('dies of the signal that the program died of', async () => {
    await using world = await makeWorld();
    const old = await bundleNode(world.root);
    const child = spawn(process.execPath, ['--require', old, world.berth, 'die'], { stdio: 'ignore' });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  });

  test('says in one line what is missing when there is none', async () => {
    await using world = await makeWorld();
    const ended = run(process.execPath, ['--require', await oldNode(world.root), world.berth, 'show']);
    await expect(ended).rejects.toMatchObject({ code: 1 });
    const output = await ended.catch((error: unknown) => (error as { stderr: string }).stderr);
    expect(output).toMatch(/^berth needs Node\.js 24 or later: this is v18\.20\.8, and no bundled one .*\n$/);
  });

  test('does not take a bundled one that does not run here', async () => {
    await using world = await makeWorld();
    const old = await bundleNode(world.root);
    const bundled = join(world.root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
    await rm(bundled);
    await cp(join(project, 'package.json'), bundled);
    await expect(run(process.execPath, ['--require', old, world.berth, 'show'])).rejects.toMatchObject({ code: 1 });
  });
});
