/** What of Azure's own planes the server needs. */
export { type ArmContracts, type ArmOperation, lazyContracts } from './arm/contracts.ts';
export type { FoundOperation } from './arm/operation-index.ts';
export {
  type ArmAnswer,
  type ArmCall,
  ArmError,
  type ArmOperationHandler,
  notThereYet,
  type ResourceProvider,
  type ResourceType,
} from './arm/provider.ts';
