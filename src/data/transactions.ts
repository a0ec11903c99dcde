import type { TransactionDefinition } from '../ports/index.ts';
import { numberFeed } from './feed.ts';

/** The transactions of this room, for the writer thread. */
export const transactions: readonly TransactionDefinition<never, unknown>[] = [numberFeed];
export const transactionsUrl: string = import.meta.url;
