export type { FileSystem, Transferred } from './file-system.ts';
export { type FsBlobStoreOptions, fsBlobStore } from './fs-blob-store.ts';
