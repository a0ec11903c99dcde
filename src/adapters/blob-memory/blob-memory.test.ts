import { expect, test } from 'vitest';
import { blobStoreContract } from '../../ports/blob-store.contract.ts';
import { memoryBlobStore } from './index.ts';

blobStoreContract(
  'memory',
  async () => {
    const store = memoryBlobStore();
    return { store, [Symbol.asyncDispose]: () => store.close() };
  },
  { boundedMemory: false, survivesRestart: false },
);

test('a memory store does not keep the chunks that it was given', async () => {
  const store = memoryBlobStore();
  const chunk = Buffer.from('abc');
  const staged = await store.stage('object-1');
  await staged.write(0, [chunk]);
  chunk.fill('x');
  const reader = await store.open(await store.commit('object-1', 3));
  const found = Buffer.alloc(3);
  await reader.read(found, 0);
  expect(found.toString()).toBe('abc');
});

test('a memory store carries the name it was given', () => {
  expect(memoryBlobStore().name).toBe('memory');
  expect(memoryBlobStore({ name: 'far' }).name).toBe('far');
});
