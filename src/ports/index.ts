export { type BlobReader, type BlobStore, BlobStoreError, type StagedBlob } from './blob-store.ts';
export {
  type CompiledStatement,
  type Database,
  DatabaseError,
  type DatabaseOptions,
  type DialectName,
  type Migration,
  type SqlReader,
  type SqlTransaction,
  type SqlValue,
  type Statement,
  type TransactionDefinition,
  type TransactionModule,
} from './database.ts';
export type { KeyWrapper } from './key-wrapper.ts';
