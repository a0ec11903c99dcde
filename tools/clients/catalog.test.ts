import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clientNames } from './catalog.ts';
import { programsOn } from './versions.ts';

describe('the clients', () => {
  test('of each run are few, and the full set has them all', () => {
    const [few, all] = [clientNames('clients'), clientNames('full')];
    expect(all).toEqual(expect.arrayContaining(few));
    expect(few).toContain('crane');
    expect(few).not.toContain('cosign');
    expect(all).toContain('cosign');
    expect(new Set(all).size).toBe(all.length);
  });
});

describe.skipIf(process.platform === 'win32')('the programs on a path', () => {
  test('are each named once, whatever links lead to them', async () => {
    const root = await mkdtemp(join(tmpdir(), 'berth-programs-'));
    try {
      for (const folder of ['one', 'two', 'three']) await mkdir(join(root, folder));
      for (const folder of ['one', 'two']) {
        await writeFile(join(root, folder, 'docker'), '#!/bin/sh\n');
        await chmod(join(root, folder, 'docker'), 0o755);
      }
      await symlink(join(root, 'one', 'docker'), join(root, 'three', 'docker'));
      await writeFile(join(root, 'three', 'helm'), 'not executable');
      const path = ['one', 'two', 'three', 'absent'].map((folder) => join(root, folder)).join(':');
      expect(programsOn(path, 'docker')).toEqual([join(root, 'one', 'docker'), join(root, 'two', 'docker')]);
      expect(programsOn(path, 'helm')).toEqual([]);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});
