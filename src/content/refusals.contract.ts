import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomIds } from '../kernel/index.ts';
import type { EngineFactory, TestEngine } from './_engines.ts';
import type { Refusal } from './refusal.ts';
import { type RefusalBounds, refusals } from './refusals.ts';

const bounds: RefusalBounds = { memory: 100, perFlush: 20, perSource: 5, maxRows: 30, maxAgeMs: 60_000 };

/** The memory of refusals on one engine: it outlives the process, is shared, and is bounded. */
export function refusalsContract(name: string, open: EngineFactory): void {
  describe(`refusals on ${name}`, () => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    const refusal = (change: Partial<Refusal> = {}): Refusal => ({
      id: randomIds.guid(),
      at: engine.clock.now(),
      registry: 'berth',
      listener: 'http',
      address: '127.0.0.1',
      actor: 'token:berth/ci',
      signedIn: 'basic',
      operation: 'v2.manifest.put',
      method: 'PUT',
      repository: 'team/app',
      reference: 'v1',
      wanted: ['content/write'],
      status: 401,
      rule: 'not-in-scope-map',
      because: 'scope map ci lacks content/write on team/app',
      cure: 'berth token create',
      ...change,
    });
    const later = () => refusals(engine.database, bounds);

    test('are found at once, and after a flush by another process', async () => {
      const memory = later();
      const one = refusal();
      memory.note(one, true);
      expect(await memory.find(one.id)).toEqual(one);
      expect(await later().find(one.id)).toBeUndefined();
      await memory.flush();
      expect(await later().find(one.id)).toEqual(one);
      const second = refusals(await engine.second(), bounds);
      expect(await second.find(one.id)).toEqual(one);
    });

    test('of everyday are explained from memory and never written', async () => {
      const memory = later();
      const one = refusal({ rule: 'blob-unknown' });
      memory.note(one, false);
      await memory.flush();
      expect(await memory.find(one.id)).toEqual(one);
      expect(await later().find(one.id)).toBeUndefined();
      expect((await memory.latest(null, 100)).map(({ id }) => id)).not.toContain(one.id);
    });

    test('are listed newest first, from memory and rows, of one registry or all', async () => {
      const earlier = later();
      const registry = randomIds.id();
      const [first, other] = [refusal({ registry }), refusal({ registry: 'another' })];
      earlier.note(first, true);
      earlier.note(other, true);
      await earlier.flush();
      engine.clock.advance(1);
      const memory = later();
      const second = refusal({ registry });
      memory.note(second, true);
      expect(await memory.latest(registry, 10)).toEqual([second, first]);
      expect(await memory.latest(registry, 1)).toEqual([second]);
      expect((await memory.latest(null, 100)).map(({ id }) => id)).toContain(other.id);
      expect(await memory.latest('nowhere', 10)).toEqual([]);
    });

    test('of a flood leave room for others; what found none is counted, and memory stays bounded', async () => {
      const memory = later();
      const flood = Array.from({ length: 1000 }, () => refusal({ rule: 'rate-identity' }));
      for (const one of flood) memory.note(one, true);
      expect(memory.dropped()).toBe(1000 - bounds.perSource);
      const quiet = refusal({ rule: 'tag-locked', address: '127.0.0.2' });
      memory.note(quiet, true);
      for (let source = 0; source < 100; source++) memory.note(refusal({ address: `10.0.0.${source}` }), true);
      expect(memory.dropped()).toBe(1000 - bounds.perSource + 100 - (bounds.perFlush - bounds.perSource - 1));
      await memory.flush();
      expect(await later().find(quiet.id)).toEqual(quiet);
      expect(await memory.find(flood[0]?.id ?? '')).toEqual(flood[0]);
      expect(await memory.find(flood[500]?.id ?? '')).toBeUndefined();
      expect((await memory.latest(null, 10_000)).length).toBeLessThanOrEqual(bounds.memory + bounds.maxRows);
    });

    test('are kept in rows no longer than their age and no more than their count', async () => {
      const memory = later();
      const old = refusal();
      memory.note(old, true);
      await memory.flush();
      for (let flush = 0; flush < 10; flush++) {
        for (let source = 0; source < 10; source++) memory.note(refusal({ address: `10.1.${flush}.${source}` }), true);
        await memory.flush();
      }
      expect(await later().latest(null, 1000)).toHaveLength(bounds.maxRows);
      expect(await later().find(old.id)).toBeUndefined();
      engine.clock.advance(bounds.maxAgeMs + 1);
      const young = refusal();
      memory.note(young, true);
      await memory.flush();
      expect(await later().latest(null, 1000)).toEqual([young]);
    });

    test('that cannot be written are counted, told as an error, and stay in memory', async () => {
      const away = { ...engine.database, transact: () => Promise.reject(new Error('away')) };
      const memory = refusals(away, bounds);
      const one = refusal();
      memory.note(one, true);
      await expect(memory.flush()).rejects.toThrow('away');
      expect(memory.dropped()).toBe(1);
      expect(await memory.find(one.id)).toEqual(one);
    });
  });
}
