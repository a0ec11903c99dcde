import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localKeyWrapper } from '../adapters/key-local/index.ts';
import type { EngineFactory, TestEngine } from '../content/_engines.ts';
import { randomIds } from '../kernel/index.ts';
import type { Database } from '../ports/index.ts';
import { loadSigningKeys } from './signing-keys.ts';

const hour = 3_600_000;
const day = 24 * hour;
const wrapper = localKeyWrapper(new Uint8Array(32).fill(7));

/** How signing keys come and go, on one engine. */
export function signingKeysContract(name: string, open: EngineFactory): void {
  describe(`signing keys on ${name}`, () => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    const load = (purpose: 'registry' | 'directory' = 'directory', database: Database = engine.database) =>
      loadSigningKeys(database, wrapper, randomIds, {
        purpose,
        clock: engine.clock,
        rotateAfterMs: 30 * day,
        tokensLiveMs: hour,
      });
    const kids = (keys: Awaited<ReturnType<typeof load>>) => keys.all().map((key) => key.kid);

    test('are published for a day before they sign, verify until their tokens have ended, and are then gone', async () => {
      const keys = await load();
      const elsewhere = await load('directory', await engine.second());
      const first = keys.signing.kid;
      engine.clock.advance(29 * day);
      await keys.refresh();
      expect(kids(keys)).toEqual([first]);

      engine.clock.advance(day);
      await keys.refresh();
      const [next = ''] = kids(keys);
      expect(kids(keys)).toEqual([next, first]);
      expect(keys.signing.kid).toBe(first);
      await elsewhere.refresh();
      expect(kids(elsewhere)).toEqual([next, first]);
      engine.clock.advance(day - 1);
      expect(keys.signing.kid).toBe(first);
      engine.clock.advance(1);
      // By its time alone: nobody has to be told.
      expect([keys.signing.kid, elsewhere.signing.kid]).toEqual([next, next]);

      await keys.refresh();
      expect(await keys.verifying(first)).toBeDefined();
      engine.clock.advance(2 * hour);
      await keys.refresh();
      expect(kids(keys)).toEqual([next]);
      expect(await keys.verifying(first)).toBeUndefined();
    });

    test('are made once, also when two hosts find it is time', async () => {
      const hosts = [await load('registry'), await load('registry', await engine.second())];
      engine.clock.advance(31 * day);
      await Promise.all(hosts.map((keys) => keys.refresh()));
      await Promise.all(hosts.map((keys) => keys.refresh()));
      const [one = [], two = []] = hosts.map(kids);
      expect(one).toEqual(two);
      expect(one).toHaveLength(2);
    });

    test('made elsewhere are found by the id in a token, and made-up ids read nothing for a while', async () => {
      const purpose = 'directory';
      let reads = 0;
      const counting: Database = {
        ...engine.database,
        all: (statement, parameters) => {
          reads++;
          return engine.database.all(statement, parameters);
        },
        first: (statement, parameters) => engine.database.first(statement, parameters),
        transact: (definition, input) => engine.database.transact(definition, input),
        generation: () => engine.database.generation(),
        snapshot: (file) => engine.database.snapshot(file),
        close: async () => undefined,
        lost: engine.database.lost,
        dialect: engine.database.dialect,
      };
      const keys = await load(purpose, counting);
      engine.clock.advance(31 * day);
      const elsewhere = await load(purpose, await engine.second());
      const [newest = ''] = kids(elsewhere);
      expect(kids(keys)).not.toContain(newest);
      expect(await keys.verifying(newest)).toBeDefined();
      const before = reads;
      for (let n = 0; n < 20; n++) expect(await keys.verifying(`made up ${n}`)).toBeUndefined();
      expect(reads).toBe(before);
      engine.clock.advance(31_000);
      expect(await keys.verifying('made up')).toBeUndefined();
      expect(reads).toBe(before + 1);
    });

    test('of registries and of the directory are others', async () => {
      const [registry, directory] = [await load('registry'), await load('directory')];
      expect(kids(registry).filter((kid) => kids(directory).includes(kid))).toEqual([]);
      expect(await registry.verifying(directory.signing.kid)).toBeUndefined();
    });
  });
}
