import { Fault } from '../../kernel/index.ts';
import type { TransactionDefinition } from '../../ports/index.ts';
import {
  advanceRun,
  claimRun,
  endRun,
  insertRun,
  lastWholePass,
  type NewFinding,
  putFinding,
  removeFinding,
  removeOldRuns,
  runningRun,
  setRate,
} from '../store/check-store.ts';

/** How many reports are kept of each kind. */
const keptReports = 10;

/** What is to be checked. `registryId` null is everything; `bytesPerSecond` null leaves the rate as it is, or the default. */
export interface BeginCheck {
  readonly registryId: number | null;
  readonly bytesPerSecond: number | null;
  readonly defaultBytesPerSecond: number;
  readonly restart: boolean;
}

/** Begins a check, or joins the one under way. Throws `conflict` when that one checks something else. */
export const beginCheck: TransactionDefinition<BeginCheck, { id: number; joined: boolean }> = {
  name: 'content/begin-check',
  async run(tx, input) {
    const { registryId, bytesPerSecond } = input;
    const running = await tx.first(runningRun, { kind: 'fsck' });
    if (running && input.restart) await tx.run(endRun, { id: running.id, state: 'stopped', now: tx.now });
    if (running && !input.restart) {
      if (running.registry_id !== registryId) {
        throw new Fault('conflict', 'a check of something else is under way; wait for its end, or add --restart');
      }
      if (bytesPerSecond !== null) await tx.run(setRate, { id: running.id, bytesPerSecond });
      return { id: running.id, joined: true };
    }
    const rate = bytesPerSecond ?? input.defaultBytesPerSecond;
    const made = await tx.first(insertRun, { kind: 'fsck', registryId, bytesPerSecond: rate, now: tx.now });
    if (!made) throw new Error('an insert answered no row');
    await tx.run(removeOldRuns, { kind: 'fsck', keep: keptReports });
    return { id: made.id, joined: false };
  },
};

/** Begins a scrub when everything was last checked longer than `periodMs` ago, or goes on with the one that was begun. */
export const beginScrub: TransactionDefinition<
  { bytesPerSecond: number; periodMs: number },
  { id: number } | undefined
> = {
  name: 'content/begin-scrub',
  async run(tx, { bytesPerSecond, periodMs }) {
    const running = await tx.first(runningRun, { kind: 'scrub' });
    if (running) {
      if (running.bytes_per_second !== bytesPerSecond) await tx.run(setRate, { id: running.id, bytesPerSecond });
      return { id: running.id };
    }
    const last = await tx.first(lastWholePass, {});
    if (last && last.started_ms + periodMs > tx.now) return undefined;
    const made = await tx.first(insertRun, { kind: 'scrub', registryId: null, bytesPerSecond, now: tx.now });
    await tx.run(removeOldRuns, { kind: 'scrub', keep: keptReports });
    return made;
  },
};

/** Takes a pass for this process. False while another one works at it. */
export const claimCheck: TransactionDefinition<{ id: number; holder: string; leaseMs: number }, boolean> = {
  name: 'content/claim-check',
  async run(tx, { id, holder, leaseMs }) {
    return (await tx.run(claimRun, { id, holder, leaseUntil: tx.now + leaseMs, now: tx.now })) > 0;
  },
};

/** How far a pass has come. */
export interface CheckProgress {
  readonly id: number;
  readonly holder: string;
  readonly phase: string;
  readonly cursor: string;
  readonly blobs: number;
  readonly manifests: number;
  readonly bytes: number;
  readonly restored: number;
}

/** Writes progress down. False when the pass is not this process's any more. */
export const advanceCheck: TransactionDefinition<CheckProgress & { leaseMs: number }, boolean> = {
  name: 'content/advance-check',
  async run(tx, { leaseMs, ...progress }) {
    return (await tx.run(advanceRun, { ...progress, leaseUntil: tx.now + leaseMs })) > 0;
  },
};

/** Ends a pass that has come to its end. */
export const endCheck: TransactionDefinition<{ id: number }, boolean> = {
  name: 'content/end-check',
  async run(tx, { id }) {
    return (await tx.run(endRun, { id, state: 'done', now: tx.now })) > 0;
  },
};

/** Puts something into the report that changes nothing else. */
export const noteFinding: TransactionDefinition<NewFinding, void> = {
  name: 'content/note-finding',
  async run(tx, finding) {
    await tx.run(putFinding, { ...finding, now: tx.now });
  },
};

/** Takes objects out of the report that have found their name meanwhile. */
export const dropFindings: TransactionDefinition<{ runId: number; locations: readonly string[] }, void> = {
  name: 'content/drop-findings',
  async run(tx, { runId, locations }) {
    for (const location of locations) await tx.run(removeFinding, { runId, location });
  },
};
