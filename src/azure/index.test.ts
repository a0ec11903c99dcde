import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const door = join(import.meta.dirname, 'index.ts');

/** Every file of the room that an import of `file` loads at once. */
async function loadedBy(file: string, seen = new Set<string>()): Promise<Set<string>> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = await readFile(file, 'utf8');
  for (const [, what = '', path = ''] of text.matchAll(/^(?:import|export)\b([^;]*?)from '(\.[^']+)';/gm)) {
    const next = join(dirname(file), path);
    const isOfRoom = next.startsWith(import.meta.dirname);
    if (isOfRoom && !/^\s*type\b/.test(what)) await loadedBy(next, seen);
  }
  return seen;
}

it('the door loads none of what only requests to its planes need: a start imports it', async () => {
  const loaded = [...(await loadedBy(door))].map((file) => file.slice(import.meta.dirname.length + 1));
  expect(loaded).toContain('transactions.ts');
  for (const heavy of [
    'management.ts',
    'arm/front.ts',
    'arm/validate.ts',
    'resources/provider.ts',
    'registry/provider.ts',
  ]) {
    expect(loaded).not.toContain(heavy);
    expect([...(await loadedBy(join(import.meta.dirname, 'management.ts')))].join()).toContain(heavy);
  }
  expect(loaded.length).toBeLessThan(25);
});
