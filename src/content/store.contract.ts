import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as feed from '../data/feed.ts';
import * as managedIdentityStore from '../identity/directory/managed-identity-store.ts';
import * as identityStore from '../identity/store.ts';
import type { Statement } from '../ports/index.ts';
import type { EngineFactory, TestEngine } from './_engines.ts';
import * as blobRows from './store/blob-rows-store.ts';
import * as checkStore from './store/check-store.ts';
import * as manifestStore from './store/manifest-store.ts';
import * as registryResourceStore from './store/registry-resource-store.ts';
import * as registryStore from './store/registry-store.ts';
import * as removalStore from './store/removal-store.ts';
import * as repositoryStore from './store/repository-store.ts';
import * as restoreStore from './store/restore-store.ts';
import * as tagStore from './store/tag-store.ts';
import * as uploadStore from './store/upload-store.ts';
import * as usageStore from './store/usage-store.ts';

const stores: Readonly<Record<string, object>> = {
  feed,
  'identity/store': identityStore,
  'blob-rows-store': blobRows,
  'check-store': checkStore,
  'manifest-store': manifestStore,
  'removal-store': removalStore,
  'identity/managed-identity-store': managedIdentityStore,
  'registry-resource-store': registryResourceStore,
  'registry-store': registryStore,
  'usage-store': usageStore,
  'repository-store': repositoryStore,
  'restore-store': restoreStore,
  'tag-store': tagStore,
  'upload-store': uploadStore,
};

function isStatement(value: unknown): value is Statement<never, unknown> {
  return typeof value === 'object' && value !== null && 'compile' in value;
}

/** Every statement of the rooms, before the judge who knows names and types. */
export function storeContract(name: string, open: EngineFactory): void {
  describe(`the statements of the stores on ${name}`, () => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    test.each(Object.keys(stores))('of %s are understood by the engine', async (store) => {
      const statements = Object.entries(stores[store] ?? {}).filter(([, value]) => isStatement(value));
      expect(statements.length).toBeGreaterThan(0);
      const refused: string[] = [];
      for (const [statement, value] of statements) {
        const { sql } = (value as Statement<never, unknown>).compile(engine.database.dialect);
        await engine.parse(sql).catch((error: unknown) => refused.push(`${statement}: ${String(error)}\n${sql}`));
      }
      expect(refused).toEqual([]);
    });
  });
}
