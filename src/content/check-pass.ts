import { DatabaseError } from '../ports/index.ts';
import type { ContentEnvironment } from './environment.ts';
import { type JudgeOptions, judgeBody, judgeObject, type Verdict } from './judge.ts';
import {
  bodyKeys,
  type CheckPhase,
  type CheckRun,
  manifestPage,
  type NewFinding,
  runById,
  type StoredPlace,
  storedPlaces,
  unnamedObjects,
  unreferencedFindings,
} from './store/check-store.ts';
import { readBody } from './store/manifest-store.ts';
import { dropFindings, noteFinding } from './transactions/check-transactions.ts';
import { loseBody, loseObject, restoreBody, restoreObject } from './transactions/damage-transactions.ts';

/** How far a pass has come; written to by the pass, saved by its owner. */
export interface PassState {
  phase: CheckPhase;
  cursor: string;
  blobs: number;
  manifests: number;
  bytes: number;
  restored: number;
}

export interface PassOptions extends JudgeOptions {
  /** Called after each thing looked at, when `state` says so. */
  readonly advanced: () => Promise<void>;
  /** Told of what became missing just now. */
  readonly damaged: (finding: NewFinding) => Promise<void>;
  /** Waits before objects without a name are looked at again. */
  readonly settle: () => Promise<void>;
}

interface BodyContent {
  readonly codec: string;
  readonly key_id: string | null;
  readonly bytes: Uint8Array;
}

const pageRows = 100;
const beyondAll = Number.MAX_SAFE_INTEGER;

/**
 * One pass over what is stored, in pages by key:
 *
 *   bodies ─▶ blobs ─▶ manifests ─▶ objects ─▶ settling ─▶ end
 *
 * bytes in rows; objects behind blobs; manifests without bytes; objects without a name, looked at again at the end because a
 * push in between has stored and not yet named. With a registry, the last two are left out. The returned function does
 * one page and answers false at the end.
 */
export function checkPass(
  environment: ContentEnvironment,
  run: CheckRun,
  state: PassState,
  options: PassOptions,
): () => Promise<boolean> {
  const { blobs, database } = environment;
  const firstRegistry = run.registry_id ?? 0;
  const lastRegistry = run.registry_id ?? beyondAll;

  const findingOf = (
    thing: Pick<NewFinding, 'kind' | 'registryId' | 'digest' | 'location'>,
    verdict: Exclude<Verdict, { kind: 'whole' }>,
  ): NewFinding => ({ runId: run.id, ...thing, problem: verdict.kind, detail: verdict.detail });

  /** A page of the database that is damaged is no reason to stop; a database that does not answer is. */
  const readRow = async (body: {
    registryId: number;
    kind: 'manifest' | 'blob';
    digest: string;
  }): Promise<
    { row: BodyContent | undefined } | { unreadable: { readonly kind: 'unreadable'; readonly detail: string } }
  > => {
    try {
      return { row: await database.first(readBody, body) };
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      await database.first(runById, { id: run.id });
      return { unreadable: { kind: 'unreadable', detail: error.message } };
    }
  };

  const lookAtBody = async (
    body: { registryId: number; kind: 'manifest' | 'blob'; digest: string },
    { isMissing }: { isMissing: boolean },
  ): Promise<boolean> => {
    const read = await readRow(body);
    if ('unreadable' in read) {
      await database.transact(noteFinding, findingOf({ ...body, location: '' }, read.unreadable));
      return false;
    }
    const { row } = read;
    await options.beforeRead(row?.bytes.length ?? 0);
    const verdict: Verdict = row
      ? judgeBody(environment, body, row)
      : { kind: 'gone', detail: 'there is no row with its bytes' };
    state.bytes += row?.bytes.length ?? 0;
    const seen = row?.bytes ?? null;
    if (verdict.kind === 'whole') {
      if (isMissing && seen && (await database.transact(restoreBody, { ...body, seen }))) state.restored += 1;
      return true;
    }
    const finding = findingOf({ ...body, location: '' }, verdict);
    if (verdict.kind === 'unreadable') await database.transact(noteFinding, finding);
    else if (await database.transact(loseBody, { ...body, seen, finding })) await options.damaged(finding);
    return false;
  };

  const lookAtObject = async (place: StoredPlace): Promise<void> => {
    const verdict = await judgeObject(environment, place, options);
    const { registry_id: registryId, digest, store, location } = place;
    state.blobs += 1;
    state.bytes += verdict.kind === 'gone' ? 0 : place.size;
    if (verdict.kind === 'whole') {
      const isBack = place.state !== 'present';
      if (isBack && (await database.transact(restoreObject, { registryId, digest, store, location }))) {
        state.restored += 1;
      }
      return;
    }
    const finding = findingOf({ kind: 'blob', registryId, digest, location }, verdict);
    if (verdict.kind === 'unreadable') await database.transact(noteFinding, finding);
    else if (await database.transact(loseObject, { registryId, digest, store, location, finding })) {
      await options.damaged(finding);
    }
  };

  const phases: Record<CheckPhase, () => Promise<CheckPhase | 'more' | 'end'>> = {
    async bodies() {
      const [registryId, kind, digest] = cursorOf<[number, string, string]>(state, [firstRegistry, '', '']);
      const rows = await database.all(bodyKeys, { registryId, kind, digest, lastRegistry, limit: pageRows });
      for (const row of rows) {
        await lookAtBody({ registryId: row.registry_id, kind: row.kind, digest: row.digest }, { isMissing: false });
        if (row.kind === 'manifest') state.manifests += 1;
        else state.blobs += 1;
        state.cursor = JSON.stringify([row.registry_id, row.kind, row.digest]);
        await options.advanced();
      }
      return rows.length < pageRows ? 'blobs' : 'more';
    },

    async blobs() {
      const start: [number, string, number, string] = [firstRegistry, '', 0, ''];
      const [registryId, digest, region, store] = cursorOf(state, start);
      const after = { registryId, digest, region, store, lastRegistry };
      const rows = await database.all(storedPlaces, { ...after, limit: pageRows });
      for (const row of rows) {
        const isHere = row.region_ordinal === environment.regionOrdinal;
        if (isHere && row.location === '') {
          const body = { registryId: row.registry_id, kind: 'blob', digest: row.digest } as const;
          // Bytes that are there were looked at before; what is left are rows that are gone, or back.
          const isMissing = row.state !== 'present';
          if (isMissing || !(await database.first(readBody, body))) await lookAtBody(body, { isMissing });
        } else if (isHere && row.store === blobs.name) {
          await lookAtObject(row);
        }
        state.cursor = JSON.stringify([row.registry_id, row.digest, row.region_ordinal, row.store]);
        await options.advanced();
      }
      return rows.length < pageRows ? 'manifests' : 'more';
    },

    async manifests() {
      const [id] = cursorOf<[number]>(state, [0]);
      const rows = await database.all(manifestPage, { id, firstRegistry, lastRegistry, limit: pageRows });
      for (const row of rows) {
        const body = { registryId: row.registry_id, kind: 'manifest', digest: row.digest } as const;
        const isMissing = row.state === 'missing';
        if (isMissing || !row.has_body) await lookAtBody(body, { isMissing });
        state.cursor = JSON.stringify([row.id]);
        await options.advanced();
      }
      if (rows.length === pageRows) return 'more';
      return run.registry_id === null ? 'objects' : 'end';
    },

    async objects() {
      const [last] = cursorOf<[string | null]>(state, [null]);
      const page = await blobs.list({ last, limit: pageRows });
      for (const location of await unnamed(page)) await database.transact(noteFinding, unreferenced(run.id, location));
      state.cursor = JSON.stringify([page.at(-1) ?? null]);
      await options.advanced();
      return page.length < pageRows ? 'settling' : 'more';
    },

    async settling() {
      const [last] = cursorOf<[string]>(state, ['']);
      const rows = await database.all(unreferencedFindings, { runId: run.id, last, limit: pageRows });
      if (rows.length === 0) return 'end';
      if (last === '') await options.settle();
      const page = rows.map((row) => row.location);
      const still = new Set(await unnamed(page));
      const settled: string[] = [];
      for (const location of page) {
        if (!still.has(location) || !(await blobs.stat(location))) settled.push(location);
      }
      await database.transact(dropFindings, { runId: run.id, locations: settled });
      state.cursor = JSON.stringify([page.at(-1) ?? '']);
      await options.advanced();
      return rows.length < pageRows ? 'end' : 'more';
    },
  };

  const unnamed = async (page: readonly string[]): Promise<string[]> => {
    if (page.length === 0) return [];
    const locations = JSON.stringify(page);
    const rows = await database.all(unnamedObjects, { store: blobs.name, locations, limit: page.length });
    return rows.map((row) => row.location);
  };

  return async () => {
    const next = await phases[state.phase]();
    if (next === 'end') return false;
    if (next !== 'more') {
      state.phase = next;
      state.cursor = '';
    }
    return true;
  };
}

function cursorOf<T>(state: PassState, start: T): T {
  return state.cursor === '' ? start : (JSON.parse(state.cursor) as T);
}

function unreferenced(runId: number, location: string): NewFinding {
  const detail = 'no row names this object';
  return { runId, kind: 'object', registryId: 0, digest: '', location, problem: 'unreferenced', detail };
}
