import { type BlobStore, BlobStoreError } from '../../ports/index.ts';
import type { FaultPlan } from './fault-plan.ts';

/** A blob store one of whose calls fails, as `plan` says. Closing never does. */
export function faultyBlobStore(inner: BlobStore, plan: FaultPlan): BlobStore {
  const step = <T>(call: () => Promise<T>): Promise<T> =>
    plan.step(call, () => new BlobStoreError('io', 'the blob store failed as planned'));
  return {
    name: inner.name,
    async stage(key) {
      const staged = await step(() => inner.stage(key));
      return {
        key: staged.key,
        write: (position, chunks) => step(() => staged.write(position, chunks)),
        read: (buffer, position) => step(() => staged.read(buffer, position)),
        close: () => staged.close(),
      };
    },
    commit: (key, size) => step(() => inner.commit(key, size)),
    abort: (key) => step(() => inner.abort(key)),
    async open(location) {
      const reader = await step(() => inner.open(location));
      return {
        size: reader.size,
        read: (buffer, position) => step(() => reader.read(buffer, position)),
        close: () => reader.close(),
      };
    },
    stat: (location) => step(() => inner.stat(location)),
    remove: (location) => step(() => inner.remove(location)),
    list: (page) => step(() => inner.list(page)),
    listStaged: (page) => step(() => inner.listStaged(page)),
    close: () => inner.close(),
  };
}
