import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { builderFiles, compileModule, ensureBuilt } from './build.ts';

const run = promisify(execFile);

const program = {
  'src/main/cli.ts': "import { greet } from '../kernel/greet.ts';\nexport const text: string = greet('you');\n",
  'src/kernel/greet.ts': 'export function greet(name: string): string {\n  return `hello ${name}`;\n}\n',
};

async function makeWorld(files: Record<string, string> = program) {
  const root = await mkdtemp(join(tmpdir(), 'berth-build-'));
  const write = async (path: string, text: string) => {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  await write('package.json', '{"type":"module"}');
  for (const [path, text] of Object.entries(files)) await write(path, text);
  return {
    root,
    write,
    async [Symbol.asyncDispose]() {
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function textOf(entry: string): Promise<string> {
  const script = `console.log((await import(${JSON.stringify(pathToFileURL(entry).href)})).text)`;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  expect(stderr).toBe('');
  return stdout.trim();
}

describe('a module', () => {
  test.each([
    ["import { a } from './a.ts';", "import { a } from './a.js';"],
    ['import { a } from "../b/a.ts";', 'import { a } from "../b/a.js";'],
    ["import './a.ts';", "import './a.js';"],
    ["export { a } from './a.ts';", "export { a } from './a.js';"],
    ["export * from './a.ts';", "export * from './a.js';"],
    ["const a = await import('./a.ts');", "const a = await import('./a.js');"],
    ["new Worker(new URL('./a.ts', import.meta.url));", "new Worker(new URL('./a.js', import.meta.url));"],
    ["import {\n  a,\n  b,\n} from './a.ts';", "import {\n  a,\n  b,\n} from './a.js';"],
    ["import { a } from 'package';", "import { a } from 'package';"],
    ["const name = 'a.ts';", "const name = 'a.ts';"],
  ])('%j becomes %j', (source, expected) => {
    expect(compileModule(source)).toBe(expected);
  });

  test('loses its types, and keeps its lines', () => {
    const compiled = compileModule("import type { A } from './a.ts';\nexport const b = (a: A): number => a.b;\n");
    expect(compiled).not.toContain('./a');
    expect(compiled.split('\n')[1]?.replaceAll(/\s+/g, '')).toBe('exportconstb=(a)=>a.b;');
  });

  test('with syntax that has runtime meaning is refused', () => {
    expect(() => compileModule('enum Colour { Red }')).toThrow(/enum/i);
  });
});

describe('a build', () => {
  test('makes a program that runs without a warning', async () => {
    await using world = await makeWorld();
    const { state, entry } = await ensureBuilt(world.root);
    expect(state).toBe('built');
    expect(entry).toBe(join(world.root, 'dist', 'main', 'cli.js'));
    expect(await textOf(entry)).toBe('hello you');
  });

  test('leaves out tests, contracts and their helpers', async () => {
    await using world = await makeWorld({
      ...program,
      'src/main/cli.test.ts': '',
      'src/main/_world.ts': '',
      'src/main/port.contract.ts': '',
      'src/main/DESIGN.md': '',
    });
    await ensureBuilt(world.root);
    expect(await readdir(join(world.root, 'dist', 'main'))).toEqual(['cli.js']);
  });

  test('of the same sources does nothing, and quickly', async () => {
    await using world = await makeWorld();
    const { entry } = await ensureBuilt(world.root);
    const before = await stat(entry);
    const started = performance.now();
    expect((await ensureBuilt(world.root)).state).toBe('fresh');
    expect(performance.now() - started).toBeLessThan(1000);
    expect((await stat(entry)).ino).toBe(before.ino);
  });

  test('follows a changed, a new and a removed file', async () => {
    await using world = await makeWorld();
    const { entry } = await ensureBuilt(world.root);
    await world.write('src/kernel/greet.ts', 'export const greet = (name: string): string => `bye ${name}`;\n');
    expect((await ensureBuilt(world.root)).state).toBe('built');
    expect(await textOf(entry)).toBe('bye you');
    await world.write('src/kernel/new.ts', 'export {};\n');
    expect((await ensureBuilt(world.root)).state).toBe('built');
    expect(await readdir(join(world.root, 'dist', 'kernel'))).toEqual(['greet.js', 'new.js']);
    await rm(join(world.root, 'src/kernel/new.ts'));
    expect((await ensureBuilt(world.root)).state).toBe('built');
    expect(await readdir(join(world.root, 'dist', 'kernel'))).toEqual(['greet.js']);
  });

  test.each(['package-lock.json', 'node_modules/.package-lock.json'])('follows a change of %s', async (path) => {
    await using world = await makeWorld();
    await ensureBuilt(world.root);
    await world.write(path, '{}');
    expect((await ensureBuilt(world.root)).state).toBe('built');
    expect((await ensureBuilt(world.root)).state).toBe('fresh');
  });

  test('knows every file that it is made with', async () => {
    for (const name of builderFiles) {
      const text = await readFile(join(import.meta.dirname, name), 'utf8');
      const imported = [...text.matchAll(/from '\.\/([^']+)'/g)].map(([, file]) => file);
      expect(builderFiles).toEqual(expect.arrayContaining(imported));
      expect(text).not.toMatch(/from '\.\.\//);
    }
  });

  test('that fails leaves the earlier program and no litter, and names the file', async () => {
    await using world = await makeWorld();
    const { entry } = await ensureBuilt(world.root);
    await world.write('src/kernel/greet.ts', 'export const greet = ;');
    await expect(ensureBuilt(world.root)).rejects.toThrow(/^src\/kernel\/greet\.ts: /);
    await world.write('src/kernel/greet.ts', "export { greet } from './_gone.ts';");
    await expect(ensureBuilt(world.root)).rejects.toThrow('src/kernel/greet.ts imports "./_gone.js"');
    expect(await textOf(entry)).toBe('hello you');
    expect(await readdir(join(world.root, '.cache'))).toEqual(['build.lock']);
  });

  test('by several processes at once makes one program, which each of them can load', async () => {
    await using world = await makeWorld();
    const script = `
      const { ensureBuilt } = await import(${JSON.stringify(new URL('./build.ts', import.meta.url).href)});
      const { state, entry } = await ensureBuilt(${JSON.stringify(world.root)});
      console.log(state, (await import(entry)).text);
    `;
    const builds = Array.from({ length: 3 }, () => run(process.execPath, ['--input-type=module', '--eval', script]));
    const outputs = (await Promise.all(builds)).map(({ stdout }) => stdout.trim()).toSorted();
    expect(outputs).toEqual(['built hello you', 'fresh hello you', 'fresh hello you']);
    expect((await readFile(join(world.root, 'dist', '.stamp'), 'utf8')).length).toBe(64);
  });

  test('packs libraries beside the program, CommonJS and modules alike', async () => {
    await using world = await makeWorld({
      'src/main/cli.ts':
        "import { greet, type Greeting } from 'plain';\nimport { name as you } from '@scope/common';\nexport const text: Greeting = greet(you);\n",
      'node_modules/plain/package.json': '{"name":"plain","type":"module","exports":"./index.js"}',
      'node_modules/plain/index.js': "export * from './greet.js';\n",
      'node_modules/plain/greet.js': 'export const greet = (name) => `hello ${name}`;\n',
      'node_modules/@scope/common/package.json': '{"name":"@scope/common","main":"index.js"}',
      'node_modules/@scope/common/index.js': "for (const key of ['name']) exports[key] = require('./part.js');\n",
      'node_modules/@scope/common/part.js': "module.exports = 'you';\n",
    });
    const { entry } = await ensureBuilt(world.root);
    await rm(join(world.root, 'node_modules'), { recursive: true });
    expect(await textOf(entry)).toBe('hello you');
  });

  test('refuses an import of a whole library, which nothing can be left out of', async () => {
    await using world = await makeWorld({
      'src/main/cli.ts': "import * as all from 'plain';\nexport const text = all;\n",
    });
    await expect(ensureBuilt(world.root)).rejects.toThrow('src/main/cli.ts imports plain otherwise than by names');
  });
});
