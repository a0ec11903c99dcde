export {
  type ArmAnswer,
  type ArmCall,
  ArmError,
  type ArmOperationHandler,
  notThereYet,
  type ResourceProvider,
  type ResourceType,
} from './arm/provider.ts';
