export { type FaultPlan, faultPlan } from './fault-plan.ts';
export { faultyBlobStore } from './faulty-blob-store.ts';
export { faultyDatabase } from './faulty-database.ts';
