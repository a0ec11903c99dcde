import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '../steps.ts';
import { commandsRun } from './az-coverage.ts';
import { commandRow, commandRows, operationRows } from './facts.ts';

const known = new Set([
  'acr list',
  'acr create',
  'acr manifest list',
  'acr manifest list-metadata',
  'group show',
  'login',
]);

describe('a test of az', () => {
  test.each([
    ["await az.run('acr list -o table');", ['acr list']],
    ['await az.json<Registry[]>(`acr create -n ${name} -g x`);', ['acr create']],
    ['await az.json<{ id: string; tags: Record<string, string> }>(\n  `acr create -n x`);', ['acr create']],
    ["await inEveryForm(az, 'acr manifest list-metadata -r x -n y', {});", ['acr manifest list-metadata']],
    ["expect(await session.tsv('acr manifest list -r x')).toBe('');", ['acr manifest list']],
    ["startCommand(unsigned, 'login --use-device-code')", ['login']],
    [
      'String.raw`\naz login -u "$OPERATOR"\nsay list "$(az acr list -o tsv)"\nG=$(az group show)\n`',
      ['login', 'acr list', 'group show'],
    ],
  ])('runs what it calls: %s', (source, names) => {
    expect([...commandsRun(source, known)]).toEqual(names);
  });

  test.each([
    "expect(await az.refused('acr list')).toContain('x');",
    '// az.run acr list',
    "const line = 'acr list';",
    "await az.run('acr unknown');",
  ])('does not run with success: %s', (source) => {
    expect([...commandsRun(source, known)]).toEqual([]);
  });
});

describe('a command', () => {
  const nothing = { tests: undefined, refused: undefined, notRun: undefined };

  test('of which nothing is known, or two things, ends the making of the page with its name', () => {
    expect(() => commandRow('acr list', nothing)).toThrow('az acr list: ');
    expect(() => commandRow('acr list', { ...nothing, tests: ['x'], refused: 'y' })).toThrow('az acr list: ');
  });

  test('that is new to az ends it, too', async () => {
    const root = await mkdtemp(join(tmpdir(), 'berth-compatibility-'));
    try {
      await mkdir(join(root, 'contracts'));
      await mkdir(join(root, 'test/azure'), { recursive: true });
      await writeFile(join(root, 'contracts/az-commands.txt'), 'acr brandnew\n');
      await expect(commandRows(root)).rejects.toThrow('az acr brandnew');
      await writeFile(join(root, 'test/azure/a.test.ts'), "await az.run('acr brandnew');");
      expect([...(await commandRows(root))]).toEqual([
        ['acr', [{ name: 'acr brandnew', verdict: 'works', says: '', tests: ['test/azure/a.test.ts'] }]],
      ]);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});

test('every operation of every namespace has a row', async () => {
  const sections = await operationRows(projectRoot);
  expect([...sections.keys()].toSorted()).toEqual([
    'Azure.ContainerRegistry',
    'Microsoft.Authorization',
    'Microsoft.ContainerInstance',
    'Microsoft.ContainerRegistry',
    'Microsoft.ManagedIdentity',
    'Microsoft.Resources',
  ]);
  const rows = sections.get('Microsoft.ContainerRegistry') ?? [];
  expect(rows.find((row) => row.name === 'Registries_Create')).toMatchObject({ verdict: 'works' });
  expect(rows.find((row) => row.name === 'Webhooks_Create')).toMatchObject({
    verdict: 'refused',
    says: '400 FeatureNotSupported: Microsoft.ContainerRegistry Webhooks_Create is not there yet',
  });
});
