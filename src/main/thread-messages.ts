import type { SqliteShare } from '../adapters/sql-sqlite/index.ts';
import type { InUse, Refusal } from '../content/index.ts';
import type { SharedPlaces } from './listeners.ts';
import type { MetricsReport } from './metrics.ts';
import type { PackedConfig } from './packed-config.ts';
import type { ProbeReport } from './probe-watch.ts';

/**
 * What crosses between the managing thread and a thread that serves:
 *
 *   manager ──ThreadStart (workerData)──▶ thread
 *   manager ◀──{ ready }────────────────── thread     its plane stands, nothing listens
 *   manager ──{ id, ask, input }──▶ thread, manager ◀──{ id, answer | error }── thread
 *   manager ◀──{ lines }────────────────── thread     for the log
 *   manager ◀──{ take | give }──────────── thread, manager ──{ granted }──▶ thread     turns, see thread-turns.ts
 */
export interface ThreadStart {
  readonly config: PackedConfig;
  readonly folder: { readonly path: string; readonly rootKey: Uint8Array };
  /** Null where each thread opens connections of its own. */
  readonly database: SqliteShare | null;
  readonly publicPort: number;
  readonly incarnation: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
}

/** What a thread that serves can be asked: input and answer of each. */
export interface ThreadAsks {
  /** Takes the addresses and serves. Answers the system's error code when one cannot be had. */
  listen: { input: { places: SharedPlaces; ticketKeys: Uint8Array }; answer: { refused: string | null } };
  inFlight: { input: null; answer: number };
  metrics: { input: null; answer: MetricsReport };
  inUse: { input: null; answer: InUse };
  openProbe: { input: { id: string; secret: string }; answer: null };
  probeReport: { input: { id: string }; answer: ProbeReport };
  closeProbe: { input: { id: string }; answer: null };
  /** A refused request that this thread, or a row, remembers. */
  refusal: { input: { id: string }; answer: Refusal | null };
  latestRefusals: { input: { registry: string | null; limit: number }; answer: readonly Refusal[] };
  drain: { input: null; answer: null };
  /** Ends connections, waits for handlers, writes down what waits and closes the database. */
  end: { input: null; answer: null };
  /** Ends the waiting of `end` at once. */
  hurry: { input: null; answer: null };
}

export type AskName = keyof ThreadAsks;

/** One question. */
export interface Asked<K extends AskName = AskName> {
  readonly id: number;
  readonly ask: K;
  readonly input: ThreadAsks[K]['input'];
}

/** What a thread hears. */
export type Heard = Asked | { readonly granted: number };

/** What a thread says. Errors come as text: they are for the log. */
export type Said =
  | { readonly ready: true }
  | { readonly lines: string }
  | { readonly take: number; readonly name: string }
  | { readonly give: number }
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: string };
