import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ensureBuilt } from './build.ts';

const run = promisify(execFile);
const project = join(import.meta.dirname, '..');

/** Reads operations and judges a body, and tells which modules were there before the body came. */
const script = (root: string) => `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
  const dist = ${JSON.stringify(`${pathToFileURL(join(root, 'dist')).href}/`)};
  const { lazyContracts } = await import(dist + 'azure/index.js');
  const contracts = await lazyContracts()();
  const { bodyValidator } = await import(dist + 'azure/arm/validate.js');
  const judge = bodyValidator(contracts);
  const before = loaded.filter((url) => url.includes('ajv')).length;
  const operation = contracts.operations.get('Microsoft.ContainerRegistry').get('Registries_Create');
  const { problems } = await judge(operation, { sku: { name: 'basic' } });
  const after = loaded.filter((url) => url.includes('ajv')).length;
  console.log(JSON.stringify([problems.map(({ path }) => path), before, after]));
`;

test('an installed package finds its contracts, and brings the library for bodies with the first one', async () => {
  const root = await mkdtemp(join(tmpdir(), 'berth-package-'));
  try {
    const { files } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as { files: readonly string[] };
    await cp(join(project, 'src'), join(root, 'src'), { recursive: true });
    await cp(join(project, 'package.json'), join(root, 'package.json'));
    await symlink(join(project, 'node_modules'), join(root, 'node_modules'));
    expect((await ensureBuilt(root)).state).toBe('built');
    await rm(join(root, 'src'), { recursive: true });
    // Only what the package would hold.
    for (const name of files.filter((file) => file.startsWith('contracts'))) {
      await cp(join(project, name), join(root, name), { recursive: true });
    }
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script(root)]);
    expect(JSON.parse(stdout)).toEqual([['location'], 0, 1]);
  } finally {
    await rm(root, { recursive: true });
  }
});
