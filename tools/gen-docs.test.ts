import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { describeConfig } from '../src/main/config.ts';
import { cliPage, configPage, generateDocs } from './gen-docs.ts';

async function makeRoot() {
  const root = await mkdtemp(join(tmpdir(), 'berth-docs-'));
  return {
    root,
    async [Symbol.asyncDispose]() {
      await rm(root, { recursive: true, force: true });
    },
  };
}

test('the page on configuration has every key with its variable, flag and default', () => {
  const page = configPage(describeConfig());
  for (const row of describeConfig()) {
    expect(page).toContain(`## \`${row.key}\``);
    expect(page).toContain(`\`${row.env}\``);
    expect(page).toContain(`- Flag: ${row.flag === null ? 'none' : `\`${row.flag}\``}`);
  }
});

test('the check finds a page that is missing, is satisfied once it is written, and finds one that was changed', async () => {
  await using world = await makeRoot();
  const { root } = world;
  expect(await generateDocs(root, { check: true })).toEqual(['docs/config.md']);
  expect(await generateDocs(root, { check: true })).toEqual(['docs/config.md']);
  expect(await generateDocs(root, { check: false })).toEqual(['docs/config.md']);
  expect(await generateDocs(root, { check: true })).toEqual([]);
  const file = join(root, 'docs', 'config.md');
  await writeFile(file, (await readFile(file, 'utf8')).replace('4MiB', '5MiB'));
  expect(await generateDocs(root, { check: true })).toEqual(['docs/config.md']);
});

test('the page on commands has the help of each command, nested ones too', () => {
  const program = new Command('berth').description('A registry');
  const config = program.command('config').description('Settings');
  config.command('show').description('Print each value').option('--json', 'as JSON');
  const page = cliPage(program);
  for (const part of ['## berth\n', '## berth config\n', '## berth config show\n', '--json', 'Print each value']) {
    expect(page).toContain(part);
  }
});
