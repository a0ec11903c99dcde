export { type FsBlobStoreOptions, fsBlobStore } from './fs-blob-store.ts';
