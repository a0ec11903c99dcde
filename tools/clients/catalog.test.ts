import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clientNames, pythonClients } from './catalog.ts';
import { environmentOf, locatePython, missingReason, wholeMark } from './locate.ts';
import { programsOn } from './versions.ts';

describe('the clients', () => {
  test('of each run are few, and the full set has them all', () => {
    const [few, all] = [clientNames('clients'), clientNames('full')];
    expect(all).toEqual(expect.arrayContaining(few));
    expect(few).toContain('crane');
    expect(few).not.toContain('cosign');
    expect(all).toContain('cosign');
    expect(new Set(all).size).toBe(all.length);
    expect([few.includes('az'), all.includes('az')]).toEqual([false, false]);
    expect(clientNames('azure')).toEqual(['docker', 'podman', 'skopeo', 'nss', 'chromium', 'busybox', 'az']);
  });
});

describe.skipIf(process.platform === 'win32')('a Python client', () => {
  test('is there when its environment says that it is whole, and of the pinned version', async () => {
    const before = process.env['BERTH_TEST_CLIENTS_CACHE'];
    const cache = await mkdtemp(join(tmpdir(), 'berth-python-'));
    process.env['BERTH_TEST_CLIENTS_CACHE'] = cache;
    try {
      const [az] = pythonClients;
      if (az === undefined) throw new Error('there is no Python client');
      const bin = join(environmentOf(az), 'bin');
      await mkdir(bin, { recursive: true });
      await writeFile(join(bin, 'az'), '#!/bin/sh\n');
      await chmod(join(bin, 'az'), 0o755);
      expect(missingReason('az')).toBe('not in the cache');
      await writeFile(wholeMark(az), '2.90.0');
      expect(locatePython('az')).toBeUndefined();
      await writeFile(wholeMark(az), az.version);
      expect(locatePython('az')).toBe(join(bin, 'az'));
      expect(missingReason('az')).toBeUndefined();
      await rm(join(bin, 'az'));
      expect(missingReason('az')).toBe('not in the cache');
    } finally {
      if (before === undefined) delete process.env['BERTH_TEST_CLIENTS_CACHE'];
      else process.env['BERTH_TEST_CLIENTS_CACHE'] = before;
      await rm(cache, { recursive: true, force: true });
    }
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
