export { pendingMigrations, type RecordedMigration } from './migration-plan.ts';
export { transactionPositions } from './transaction-positions.ts';
