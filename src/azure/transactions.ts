import type { TransactionDefinition } from '../ports/index.ts';
import { forgetOperations } from './arm/async-operations.ts';
import {
  beginGroupDeletion,
  changeGroup,
  endGroupDeletion,
  failGroupDeletion,
  putGroup,
} from './resources/group-transactions.ts';

/** The transactions of this room, for the writer thread. */
export const transactions: readonly TransactionDefinition<never, unknown>[] = [
  forgetOperations,
  putGroup,
  changeGroup,
  beginGroupDeletion,
  endGroupDeletion,
  failGroupDeletion,
];
export const transactionsUrl: string = import.meta.url;
