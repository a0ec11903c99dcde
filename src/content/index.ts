export {
  type BackupObject,
  type BackupSnapshot,
  backupKey,
  backupLocation,
  copyObject,
  damagedBodies,
  fileStore,
  loseBodyInSnapshot,
  loseInSnapshot,
  presentObjects,
  snapshotDeployment,
  tagsTouched,
  unnamedInBackup,
  verifyObject,
} from './backup.ts';
export { blobs } from './blobs.ts';
export { bodyCache } from './body-cache.ts';
export { catalog } from './catalog.ts';
export { type CheckReport, type Checks, checks, type Finding } from './checks.ts';
export type { ContentEnvironment, InUse, RegistryRef, SharedTurns } from './environment.ts';
export type { ContentLimits } from './limits.ts';
export { manifests } from './manifests.ts';
export { metadata } from './metadata.ts';
export { objectRemoval } from './object-removal.ts';
export { type Pace, pace } from './pace.ts';
export { type Pulls, pulls } from './pulls.ts';
export { isWorthKeeping, type Refusal } from './refusal.ts';
export { type Refusals, refusals } from './refusals.ts';
export {
  type NewRegistryOptions,
  parseRegistryName,
  type Registries,
  type Registry,
  type RegistryResource,
  registries,
  reservedNames,
} from './registries.ts';
export { checkExport, normalLocation, type RegistryRule, registryRule } from './registry-rules.ts';
export { foundDeployment } from './transactions/founding-transactions.ts';
export { transactions, transactionsUrl } from './transactions/index.ts';
export { type IdentityIds, type RegistrySettings, registryType } from './transactions/registry-transactions.ts';
export { beginBackupHold, endBackupHold, extendBackupHold } from './transactions/removal-transactions.ts';
export { moveRestored, settleRestored } from './transactions/restore-transactions.ts';
export { type Uploads, uploads } from './uploads.ts';
export { type Usage, usage } from './usage.ts';
export { correlationHeader } from './wire/common-headers.ts';
export { dataPlane, type RegistryDoor } from './wire/data-plane.ts';
export { keptAnswers } from './wire/kept-answers.ts';
export { type RateLimits, rateLimits } from './wire/rate-limits.ts';
export { refusalOf } from './wire/refusal-record.ts';
export { type DataRoute, dataRoutes } from './wire/routes.ts';
