import type { Power } from '../adapters/blob-fs/_volatile-file-system.ts';
import type { Database } from '../ports/index.ts';

/** The power of one machine: every call to disk and database asks it first, and from the cut on none has an effect. */
export interface PowerPlan {
  readonly power: Power;
  /** True once the power is gone. Nothing can be acknowledged any more. */
  isCut(): boolean;
  /** Calls so far, and what the last one was. */
  calls(): number;
  last(): string;
}

/** Cuts the power just before call number `at`, counted from 1; never when `at` is absent. */
export function powerPlan(at = Number.POSITIVE_INFINITY): PowerPlan {
  let calls = 0;
  let last = '';
  return {
    async power(call) {
      if (calls + 1 >= at) {
        if (calls + 1 === at) {
          calls += 1;
          last = call;
        }
        throw new Error(`the power is gone before: ${call}`);
      }
      calls += 1;
      last = call;
    },
    isCut: () => calls >= at,
    calls: () => calls,
    last: () => last,
  };
}

/** The database as the machine with this power has it. What it committed is durable; the tests of the trace show that. */
export function poweredDatabase(inner: Database, { power }: PowerPlan): Database {
  return {
    dialect: inner.dialect,
    lost: inner.lost,
    generation: () => inner.generation(),
    snapshot: (file) => inner.snapshot(file),
    async all(statement, parameters) {
      await power('read the database');
      return inner.all(statement, parameters);
    },
    async first(statement, parameters) {
      await power('read the database');
      return inner.first(statement, parameters);
    },
    async transact(definition, input) {
      await power(definition.name);
      return inner.transact(definition, input);
    },
    close: () => inner.close(),
  };
}
