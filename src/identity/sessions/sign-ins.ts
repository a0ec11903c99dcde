import type { Clock } from '../../kernel/index.ts';
import type { Database } from '../../ports/index.ts';
import { latestSignIns, latestSignInsOf, type SignInRecord, signedInFrom } from './sign-in-store.ts';
import { recordSignIns, type SignIn, trimSignIns } from './sign-in-transactions.ts';

/** Every try to sign in, refused or not, for the operator (`berth sign-ins`). */
export interface SignIns {
  /** Writes a success down; nobody hears of it before it is. */
  succeeded(signIn: SignIn): Promise<void>;
  /** Notes a refused try: written with the next flush, unless too many come from one source. */
  refused(signIn: SignIn): void;
  /** The newest tries of a principal (null: of all), newest first. Refused ones are there after a flush. */
  latest(principalId: string | null, limit: number): Promise<SignIn[]>;
  /** Whether somebody has lately signed in from an address. */
  lately(principalId: string, address: string): Promise<boolean>;
  /** Writes what waits, and now and then removes what is too old or too much. Called by a timer and at the end. */
  flush(): Promise<void>;
  /** Refused tries that found no place among those that wait, since the start. */
  dropped(): number;
}

/** Bounds of what is kept; ages in milliseconds. */
export interface SignInBounds {
  /** Refused tries that one flush writes at most. */
  readonly perFlush: number;
  /** Of those, how many with one error from one address: a flood leaves room for the others. */
  readonly perSource: number;
  readonly maxRefused: number;
  readonly maxRows: number;
  readonly maxAgeMs: number;
  readonly trimEveryMs: number;
}

const usual: SignInBounds = {
  perFlush: 200,
  perSource: 40,
  maxRefused: 20_000,
  maxRows: 500_000,
  maxAgeMs: 90 * 86_400_000,
  trimEveryMs: 600_000,
};
const latelyMs = 30 * 86_400_000;

/** Makes the record of sign-ins. */
export function signIns(database: Database, clock: Clock, changed: Partial<SignInBounds> = {}): SignIns {
  const bounds = { ...usual, ...changed };
  let waiting: SignIn[] = [];
  let sources = new Map<string, number>();
  let dropped = 0;
  let trimmedAt = Number.NEGATIVE_INFINITY;

  return {
    succeeded: (signIn) => database.transact(recordSignIns, { rows: [signIn] }),
    refused(signIn) {
      const source = `${signIn.error} ${signIn.address}`;
      const ofSource = sources.get(source) ?? 0;
      if (waiting.length >= bounds.perFlush || ofSource >= bounds.perSource) {
        dropped++;
        return;
      }
      sources.set(source, ofSource + 1);
      waiting.push(signIn);
    },
    async latest(principalId, limit) {
      const rows =
        principalId === null
          ? await database.all(latestSignIns, { limit })
          : await database.all(latestSignInsOf, { principalId, limit });
      // Refusals are written with a delay, behind successes that came after them.
      return rows.map(fromRow).toSorted((one, other) => other.at - one.at);
    },
    lately: async (principalId, address) =>
      (await database.first(signedInFrom, { principalId, address, since: clock.now() - latelyMs })) !== undefined,
    async flush() {
      if (waiting.length > 0) {
        const rows = waiting;
        waiting = [];
        sources = new Map();
        try {
          await database.transact(recordSignIns, { rows });
        } catch (error) {
          // To keep them would be to hold what cannot be bounded while the database is away.
          dropped += rows.length;
          throw error;
        }
      }
      if (clock.now() - trimmedAt < bounds.trimEveryMs) return;
      trimmedAt = clock.now();
      const { maxAgeMs, maxRefused, maxRows } = bounds;
      await database.transact(trimSignIns, { maxAgeMs, maxRefused, maxRows });
    },
    dropped: () => dropped,
  };
}

function fromRow(row: SignInRecord): SignIn {
  return {
    at: row.at_ms,
    requestId: row.request_id,
    flow: row.flow,
    principalId: row.principal_id,
    principal: row.principal,
    clientId: row.client_id,
    resource: row.resource,
    error: row.error,
    address: row.address,
    userAgent: row.user_agent,
  };
}
