export { databaseFault } from './database-fault.ts';
export { lockDeployment } from './deployment.ts';
export { type Dialect, dialectOf } from './dialect.ts';
export {
  type Change,
  type ChangeKind,
  type FeedEntry,
  lastStamp,
  numberFeed,
  type RequestContext,
  readFeed,
  recordChange,
} from './feed.ts';
export { migrations } from './migrations/index.ts';
export { statement } from './query.ts';
export { requestContext } from './request-context.ts';
export { holdResourceGroup, resourceGroupByKey } from './resource-groups.ts';
export {
  createResource,
  deleteResource,
  type NewResource,
  type ResourceAuthor,
  resourceByKey,
  updateResource,
} from './resources.ts';
export type { OperationRow, RegistryRow, ResourceGroupRow, ResourceRow, Schema } from './schema.ts';
export { type ContentSeal, plainSeal, type StoredObject } from './seal.ts';
export { transactions, transactionsUrl } from './transactions.ts';
