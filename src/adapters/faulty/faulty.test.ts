import { describe, expect, test } from 'vitest';
import { memoryBlobStore } from '../blob-memory/index.ts';
import { faultPlan, faultyBlobStore } from './index.ts';

describe('a faulty blob store', () => {
  test('fails the call that was planned, instead of it or after it, and works again', async () => {
    for (const when of ['before', 'after'] as const) {
      const inner = memoryBlobStore();
      const plan = faultPlan({ nth: 2, when });
      const store = faultyBlobStore(inner, plan);
      const staged = await store.stage('key-1');
      expect(plan.fired()).toBe(false);
      await expect(staged.write(0, [Buffer.from('abc')])).rejects.toMatchObject({ name: 'BlobStoreError', kind: 'io' });
      expect(plan.fired()).toBe(true);
      expect(await staged.read(Buffer.alloc(3), 0)).toBe(when === 'after' ? 3 : 0);
      await staged.write(0, [Buffer.from('abc')]);
      expect(await store.stat(await store.commit('key-1', 3))).toEqual({ size: 3 });
    }
  });
});
