import type { TransactionDefinition } from '../../ports/index.ts';
import { deleteManifest, deleteTag, putManifest } from './manifest-transactions.ts';
import { recordPulls } from './pull-transactions.ts';
import { recordRefusals } from './refusal-transactions.ts';
import { changeRegistry, createRegistry, deleteRegistry, foundDeployment } from './registry-transactions.ts';
import { deleteRepository, setAttributes } from './repository-transactions.ts';
import {
  cancelUpload,
  deleteBlob,
  expireUploads,
  finishUpload,
  markBlobMissing,
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
  markBlobMissing,
  mountBlob,
  renewBlobLease,
  cancelUpload,
  expireUploads,
  deleteBlob,
];
export const transactionsUrl: string = import.meta.url;
