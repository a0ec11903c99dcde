import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findViolations } from './boundaries.ts';

async function violationsOf(files: Record<string, string>): Promise<string[]> {
  const root = await mkdtemp(join(tmpdir(), 'berth-boundaries-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(root, dirname(path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    return await findViolations(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

describe('imports', () => {
  test.each([
    ['src/http/a.ts', "import { b } from '../kernel/index.ts';"],
    ['src/data/a.ts', "import type { b } from '../ports/index.ts';"],
    ['src/content/wire/a.ts', "export { b } from '../../identity/index.ts';"],
    ['src/adapters/sql-x/a.ts', "import { b } from '../../ports/index.ts';"],
    ['src/adapters/sql-x/a.ts', "import { b } from './deep/b.ts';"],
    ['src/adapters/sql-x/a.ts', "import { b } from '../sql/index.ts';"],
    ['src/main/a.ts', "const b = await import('../adapters/sql-x/index.ts');"],
    ['src/content/a.test.ts', "import { b } from '../adapters/sql-x/deep.ts';\nimport { c } from '../data/_world.ts';"],
    ['src/ports/a.contract.ts', "import { test } from 'vitest';\nimport { b } from '../kernel/digest.ts';"],
    ['src/data/_world.ts', "import { b } from '../adapters/sql-x/deep.ts';"],
    ['src/kernel/a.ts', "import { createHash } from 'node:crypto';"],
    ['src/http/a.ts', "// import { b } from '../data/index.ts';\n/* import '../data/index.ts' */"],
  ])('of %s may be %s', async (path, text) => {
    expect(await violationsOf({ [path]: text })).toEqual([]);
  });

  test.each([
    ['src/kernel/a.ts', "import { b } from '../ports/index.ts';", 'kernel may import nothing'],
    ['src/kernel/a.ts', "import { z } from 'somewhere';", 'kernel imports nothing'],
    ['src/http/a.ts', "import { b } from '../ports/index.ts';", 'http may import kernel'],
    ['src/ports/a.ts', "import { b } from '../http/index.ts';", 'ports may import kernel'],
    ['src/data/a.ts', "import { b } from '../content/index.ts';", 'data may import'],
    ['src/content/a.ts', "export * from '../azure/index.ts';", 'content may import'],
    ['src/azure/a.ts', "const b = await import('../main/index.ts');", 'azure may import'],
    ['src/content/a.ts', "import '../adapters/sql-x/index.ts';", 'content may import'],
    ['src/adapters/sql-x/a.ts', "import { b } from '../../data/index.ts';", 'adapters may import kernel, ports'],
    ['src/adapters/sql-x/a.ts', "import { b } from '../sql-y/index.ts';", 'adapters may import'],
    ['src/adapters/sql-x/a.ts', "import { b } from '../sql/deep.ts';", 'past the door src/adapters/sql/index.ts'],
    ['src/content/a.ts', "import { b } from '../data/query.ts';", 'past the door src/data/index.ts'],
    ['src/main/a.ts', "import { b } from '../adapters/sql-x/b.ts';", 'past the door src/adapters/sql-x/index.ts'],
    ['src/content/a.ts', "import {\n  type b,\n  c,\n} from '../data/query.ts';", 'past the door'],
    ['src/data/a.ts', "import { b } from './_world.ts';", 'which is for tests'],
    ['src/data/a.ts', "import { b } from './b.contract.ts';", 'which is for tests'],
    ['src/data/a.ts', "import { b } from './b';", 'without its extension'],
    ['src/data/a.ts', "import { b } from '../../tools/b.ts';", 'outside the rooms'],
    ['src/stray/a.ts', 'export {};', 'is in no room'],
    ['src/stray.ts', 'export {};', 'is in no room'],
  ])('of %s may not be %s', async (path, text, message) => {
    const violations = await violationsOf({ [path]: text });
    expect(violations).toHaveLength(1);
    expect(violations[0]).toContain(`${path}: `);
    expect(violations[0]).toContain(message);
  });
});

describe('habits', () => {
  test.each([
    ['src/http/a.ts', 'source.pipe(target);', 'uses .pipe'],
    ['test/e2e/a.test.ts', 'source.pipe(target);', 'uses .pipe'],
    ['src/http/a.ts', 'connect({ rejectUnauthorized: false });', 'switches certificate checks off'],
    ['tools/a.ts', 'connect({ rejectUnauthorized: false });', 'switches certificate checks off'],
    ['src/content/a.ts', 'const id = Math.random();', 'uses Math.random'],
    ['src/content/a.ts', 'const find = statement<P, R>((db) => db);', 'declares SQL'],
    ['src/identity/account.ts', 'const find = statement((db) => db);', 'declares SQL'],
    ['src/content/a.ts', "import { request } from 'node:http';", 'speaks HTTP by itself'],
    ['src/content/a.ts', 'await fetch(address);', 'reaches outside by itself'],
    ['src/data/a.ts', `export {};${'\n'.repeat(601)}`, 'has 601 lines; 600 is the limit'],
    ['src/data/utils.ts', '', '"utils" says nothing'],
    ['src/data/_helpers.ts', '', '"helpers" says nothing'],
    ['tools/common.ts', '', '"common" says nothing'],
    ['test/misc.test.ts', '', '"misc" says nothing'],
    ['src/data/camelCase.ts', '', 'kebab-case'],
  ])('in %s: %s is found', async (path, text, message) => {
    const violations = await violationsOf({ [path]: text });
    expect(violations).toHaveLength(1);
    expect(violations[0]).toContain(message);
  });

  test.each([
    ['src/data/tables.ts', 'const find = statement((db) => db);'],
    ['src/content/store.ts', 'const find = statement((db) => db);'],
    ['src/content/tag-store.ts', 'const find = statement((db) => db);'],
    ['src/content/push-transactions.ts', 'const find = statement((db) => db);'],
    ['src/http/server.ts', "import { createServer } from 'node:http';"],
    ['src/adapters/fetcher-node/index.ts', 'await fetch(address);'],
    ['src/content/a.test.ts', 'await fetch(address);'],
    ['src/content/a.ts', 'await fetcher.fetch(address); // never fetch(address), nor Math.random'],
    ['src/data/a.ts', `export {};${'\n'.repeat(600)}`],
  ])('in %s: %s is fine', async (path, text) => {
    expect(await violationsOf({ [path]: text })).toEqual([]);
  });

  test('a line number leads to the place', async () => {
    expect(await violationsOf({ 'src/http/a.ts': '/*\n*/\n\nx.pipe(y);' })).toEqual([
      'src/http/a.ts: line 4 uses .pipe; use pipeline, which passes errors on',
    ]);
  });
});
