import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../kernel/index.ts';
import { checkPass, type PassState } from './check-pass.ts';
import type { ContentEnvironment, RegistryRef } from './environment.ts';
import { pace } from './pace.ts';
import {
  type CheckRun,
  countFindings,
  type FindingRow,
  lastWholePass,
  listFindings,
  type NewFinding,
  runById,
  runningRun,
  touchedBy,
} from './store/check-store.ts';
import { advanceCheck, beginCheck, beginScrub, claimCheck, endCheck } from './transactions/check-transactions.ts';

/** A check as its report begins. Counts are of what was looked at so far. */
export interface CheckReport {
  readonly id: number;
  readonly kind: 'fsck' | 'scrub';
  readonly registryId: number | null;
  readonly state: 'running' | 'done' | 'stopped';
  readonly phase: string;
  readonly bytesPerSecond: number;
  readonly startedMs: number;
  readonly endedMs: number | null;
  readonly blobs: number;
  readonly manifests: number;
  readonly bytes: number;
  /** Things that were missing and are whole again. */
  readonly restored: number;
  readonly damaged: number;
  readonly gone: number;
  readonly unreadable: number;
  readonly unreferenced: number;
  /** Why this process does not come on with it just now; null when it does. */
  readonly waitingFor: string | null;
}

/** What something lost is a part of. Lists are cut at a bound. */
export interface Touched {
  readonly repositories: readonly string[];
  /** `repository@digest` of manifests that need it, or are it. */
  readonly manifests: readonly string[];
  /** `repository:tag`. */
  readonly tags: readonly string[];
}

export interface Finding extends Touched {
  readonly kind: 'blob' | 'manifest' | 'object';
  readonly problem: string;
  readonly registry: string | null;
  readonly digest: string | null;
  readonly location: string | null;
  readonly detail: string;
}

/** Holding what is stored against its digests: on demand (fsck), and by and by (scrub). */
export interface Checks {
  /** Begins a check that `step` works at, or joins the one under way. Throws `conflict` when that checks something else. */
  begin(options: {
    registry: RegistryRef | null;
    bytesPerSecond: number | null;
    restart: boolean;
  }): Promise<{ id: number; joined: boolean }>;
  /** Throws `not-found`. */
  report(id: number): Promise<CheckReport>;
  /** Findings in order, from the place that `after` names; `next` is null at the end. */
  findings(id: number, page: { after: string; limit: number }): Promise<{ findings: Finding[]; next: string | null }>;
  /**
   * Works at the check that was asked for, else at the scrub, to its end; answers at once when there is none or another
   * process works at it. Aborting leaves it to be gone on with.
   */
  step(signal: AbortSignal): Promise<void>;
}

export interface CheckOptions {
  /** Names this process's work: the same after a restart, another one for every process that runs beside. */
  readonly holder: string;
  /** Bytes a second of a check that does not say; 0 is as fast as it goes. */
  readonly bytesPerSecond: number;
  /** The scrub's own; a rate of 0 is no scrub. */
  readonly scrub: { readonly bytesPerSecond: number; readonly periodMs: number };
  /** True while requests are answered: the scrub then takes a quarter of its rate. */
  readonly busy: () => boolean;
  /** How long objects without a name are given to find it; 2 s when absent. */
  readonly settleMs?: number;
  readonly told: {
    damaged(finding: NewFinding, touched: Touched): void;
    ended(report: CheckReport): void;
    read(bytes: number): void;
  };
}

const leaseMs = 60_000;
const saveEveryMs = 2_000;
const touchedRows = 1_000;

/** Thrown inside when a pass was ended, was taken by somebody else, or gives way. */
class PassLost extends Error {}

/** Makes the checks of one process. */
export function checks(environment: ContentEnvironment, options: CheckOptions): Checks {
  const { database } = environment;
  const { holder, scrub, told } = options;
  const waiting = new Map<number, string>();

  const touched = async (registryId: number, digest: string): Promise<Touched> => {
    const rows = await database.all(touchedBy, { registryId, digest, limit: touchedRows });
    const needed = rows.filter((row) => row.tag !== null || row.digest !== digest);
    return {
      repositories: [...new Set(rows.map((row) => row.repository))],
      manifests: [...new Set(needed.map((row) => `${row.repository}@${row.digest}`))],
      tags: rows.filter((row) => row.tag !== null).map((row) => `${row.repository}:${row.tag}`),
    };
  };

  const report = async (run: CheckRun): Promise<CheckReport> => {
    const counts = new Map(
      (await database.all(countFindings, { runId: run.id })).map((row) => [row.problem, row.count]),
    );
    return {
      id: run.id,
      kind: run.kind,
      registryId: run.registry_id,
      state: run.state,
      phase: run.phase,
      bytesPerSecond: run.bytes_per_second,
      startedMs: run.started_ms,
      endedMs: run.ended_ms,
      blobs: run.blobs,
      manifests: run.manifests,
      bytes: run.bytes,
      restored: run.restored,
      damaged: counts.get('damaged') ?? 0,
      gone: counts.get('gone') ?? 0,
      unreadable: counts.get('unreadable') ?? 0,
      unreferenced: counts.get('unreferenced') ?? 0,
      waitingFor: waiting.get(run.id) ?? null,
    };
  };

  const find = async (id: number): Promise<CheckRun> => {
    const run = await database.first(runById, { id });
    if (!run) throw new Fault('not-found', `there is no check ${id}`);
    return run;
  };

  const nextRun = async (): Promise<CheckRun | undefined> => {
    const asked = await database.first(runningRun, { kind: 'fsck' });
    if (asked || scrub.bytesPerSecond === 0) return asked;
    // Asked by a read first: a write, even an idle one, would make the database forget what it has read.
    const isUnderWay = await database.first(runningRun, { kind: 'scrub' });
    const last = await database.first(lastWholePass, {});
    if (!isUnderWay && last && last.started_ms + scrub.periodMs > environment.clock.now()) return undefined;
    const begun = await database.transact(beginScrub, scrub);
    return begun && find(begun.id);
  };

  const work = async (run: CheckRun, signal: AbortSignal): Promise<void> => {
    const { phase, cursor, blobs, manifests, bytes, restored } = run;
    const state: PassState = { phase, cursor, blobs, manifests, bytes, restored };
    let perSecond = run.bytes_per_second;
    let savedAt = performance.now();
    const save = async (): Promise<void> => {
      savedAt = performance.now();
      if (!(await database.transact(advanceCheck, { id: run.id, holder, ...state, leaseMs }))) throw new PassLost();
      perSecond = (await find(run.id)).bytes_per_second;
      // What somebody waits for goes first; what was done so far is written down.
      if (run.kind === 'scrub' && (await database.first(runningRun, { kind: 'fsck' }))) throw new PassLost();
    };
    const saveNowAndThen = async (): Promise<void> => {
      if (performance.now() - savedAt > saveEveryMs) await save();
    };
    const limit = pace(() => (run.kind === 'scrub' && options.busy() ? perSecond / 4 : perSecond));
    const page = checkPass(environment, run, state, {
      signal,
      async beforeRead(size) {
        // Renews the lease also in the middle of a large object.
        await saveNowAndThen();
        await limit.take(size, signal);
        told.read(size);
      },
      advanced: saveNowAndThen,
      damaged: async (finding) => told.damaged(finding, await touched(finding.registryId, finding.digest)),
      settle: () => delay(options.settleMs ?? 2_000, undefined, { signal }),
    });
    try {
      for (let more = true; more; ) {
        more = await page();
        waiting.delete(run.id);
        await save();
        signal.throwIfAborted();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      await save();
      return;
    }
    if (await database.transact(endCheck, { id: run.id })) told.ended(await report(await find(run.id)));
  };

  return {
    begin: ({ registry, bytesPerSecond, restart }) =>
      database.transact(beginCheck, {
        registryId: registry?.id ?? null,
        bytesPerSecond,
        defaultBytesPerSecond: options.bytesPerSecond,
        restart,
      }),

    report: async (id) => report(await find(id)),

    async findings(id, { after, limit }) {
      const [kind, registryId, digest, location] = readAfter(after);
      const rows = await database.all(listFindings, { runId: id, kind, registryId, digest, location, limit });
      const found: Finding[] = [];
      for (const row of rows) found.push({ ...shown(row), ...(await touched(row.registry_id, row.digest)) });
      const last = rows.at(-1);
      const isMore = rows.length === limit && last !== undefined;
      return {
        findings: found,
        next: isMore ? JSON.stringify([last.kind, last.registry_id, last.digest, last.location]) : null,
      };
    },

    async step(signal) {
      const run = await nextRun();
      if (!run || !(await database.transact(claimCheck, { id: run.id, holder, leaseMs }))) return;
      try {
        await work(run, signal);
      } catch (error) {
        if (error instanceof PassLost) return;
        waiting.clear();
        waiting.set(run.id, error instanceof Error ? error.message : String(error));
        throw error;
      }
    },
  };
}

function shown(row: FindingRow): Omit<Finding, keyof Touched> {
  return {
    kind: row.kind,
    problem: row.problem,
    registry: row.registry,
    digest: row.digest === '' ? null : row.digest,
    location: row.location === '' ? null : row.location,
    detail: row.detail,
  };
}

function readAfter(after: string): [string, number, string, string] {
  if (after === '') return ['', 0, '', ''];
  try {
    const value: unknown = JSON.parse(after);
    if (Array.isArray(value) && value.length === 4) return value as [string, number, string, string];
  } catch (cause) {
    throw new Fault('page-invalid', 'the place to go on from is not one that was given', { cause });
  }
  throw new Fault('page-invalid', 'the place to go on from is not one that was given');
}
