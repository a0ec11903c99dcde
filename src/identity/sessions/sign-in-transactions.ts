import type { TransactionDefinition } from '../../ports/index.ts';
import { forgetRefusedBeyond, forgetSignInsBefore, forgetSignInsBeyond, insertSignIn } from './sign-in-store.ts';

/** One try to sign in. `error` is empty for a success; `principal` only ever names somebody who is there. */
export interface SignIn {
  /** Unix milliseconds. */
  readonly at: number;
  readonly requestId: string;
  /** How: the grant, or the page. */
  readonly flow: string;
  readonly principalId: string;
  readonly principal: string;
  readonly clientId: string;
  readonly resource: string;
  readonly error: string;
  readonly address: string;
  readonly userAgent: string;
}

/** Writes tries down. */
export const recordSignIns: TransactionDefinition<{ readonly rows: readonly SignIn[] }, void> = {
  name: 'identity/record-sign-ins',
  async run(tx, { rows }) {
    for (const row of rows) await tx.run(insertSignIn, row);
  },
};

/** Removes tries that are too old or too many. Refused ones have a bound of their own, so that they push out no success. */
export const trimSignIns: TransactionDefinition<
  { readonly maxAgeMs: number; readonly maxRefused: number; readonly maxRows: number },
  void
> = {
  name: 'identity/trim-sign-ins',
  async run(tx, { maxAgeMs, maxRefused, maxRows }) {
    await tx.run(forgetSignInsBefore, { before: tx.now - maxAgeMs });
    await tx.run(forgetRefusedBeyond, { count: maxRefused });
    await tx.run(forgetSignInsBeyond, { count: maxRows });
  },
};

export const signInTransactions: readonly TransactionDefinition<never, unknown>[] = [recordSignIns, trimSignIns];
