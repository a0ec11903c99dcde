import type { TransactionDefinition } from '../../ports/index.ts';
import {
  advanceCheck,
  beginCheck,
  beginScrub,
  claimCheck,
  dropFindings,
  endCheck,
  noteFinding,
} from './check-transactions.ts';
import { loseBody, loseObject, restoreBody, restoreObject } from './damage-transactions.ts';
import { foundDeployment } from './founding-transactions.ts';
import { deleteManifest, deleteTag, putManifest } from './manifest-transactions.ts';
import { recordPulls } from './pull-transactions.ts';
import { recordRefusals } from './refusal-transactions.ts';
import { changeRegistry, createRegistry, deleteRegistry } from './registry-transactions.ts';
import { beginBackupHold, endBackupHold, endRemovals, extendBackupHold } from './removal-transactions.ts';
import { deleteRepository, setAttributes } from './repository-transactions.ts';
import { moveRestored, settleRestored } from './restore-transactions.ts';
import {
  cancelUpload,
  deleteBlob,
  expireUploads,
  finishUpload,
  forgetEndedUploads,
  mountBlob,
  openUpload,
  renewBlobLease,
  saveProgress,
} from './upload-transactions.ts';

/** The transactions of this room, for the writer thread. */
export const transactions: readonly TransactionDefinition<never, unknown>[] = [
  putManifest,
  recordPulls,
  recordRefusals,
  deleteManifest,
  deleteTag,
  foundDeployment,
  createRegistry,
  changeRegistry,
  deleteRegistry,
  deleteRepository,
  setAttributes,
  openUpload,
  saveProgress,
  finishUpload,
  forgetEndedUploads,
  mountBlob,
  renewBlobLease,
  cancelUpload,
  expireUploads,
  deleteBlob,
  loseObject,
  loseBody,
  restoreObject,
  restoreBody,
  endRemovals,
  beginBackupHold,
  extendBackupHold,
  endBackupHold,
  beginCheck,
  beginScrub,
  claimCheck,
  advanceCheck,
  endCheck,
  noteFinding,
  dropFindings,
  settleRestored,
  moveRestored,
];
export const transactionsUrl: string = import.meta.url;
