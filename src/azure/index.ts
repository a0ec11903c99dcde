/** What of Azure's own planes the server needs. What a start does not need is loaded by `openManagement`. */
export { forgetOperations } from './arm/async-operations.ts';
export { type ArmContracts, type ArmOperation, lazyContracts } from './arm/contracts.ts';
export type { FoundOperation } from './arm/operation-index.ts';
export {
  type ArmAnswer,
  type ArmCall,
  ArmError,
  type ArmOperationHandler,
  notThereYet,
  type ResourceProvider,
  type ResourceRemover,
  type ResourceType,
} from './arm/provider.ts';
export { type GraphOptions, openGraph } from './open-graph.ts';
export { type Management, type ManagementParts, openManagement } from './open-management.ts';
export { hasGroupDeletions } from './resources/pending-deletions.ts';
export { transactions, transactionsUrl } from './transactions.ts';
