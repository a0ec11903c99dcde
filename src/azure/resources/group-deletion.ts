import type { RequestContext, ResourceRow } from '../../data/index.ts';
import { Fault } from '../../kernel/index.ts';
import { type Database, DatabaseError } from '../../ports/index.ts';
import { armErrorOf } from '../arm/errors.ts';
import { ArmError, type ResourceRemover } from '../arm/provider.ts';
import { groupScopeKey } from './group-name.ts';
import { groupsBeingDeleted, resourcesOfGroup } from './group-store.ts';
import { endGroupDeletion, failGroupDeletion, lastKey } from './group-transactions.ts';

const rowsAtOnce = 100;

/** The work behind the deletion of groups. */
export interface GroupDeletion {
  /** What stands against the deletion, as sentences; asked before it begins. */
  obstacles(key: string): Promise<string[]>;
  /** Works until the group is gone or its deletion has failed. For one that is under way here, the same work. */
  run(key: string, context: RequestContext): Promise<void>;
  /** Goes on with every deletion that has begun and that nobody here works at. */
  resume(): Promise<void>;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
}

/**
 * Makes it. The row of the group says that it is `Deleting`, so a crash loses nothing: whoever finds the row goes on. Several
 * may work at one group at once, because each step is done once and finding it done is as good. `removers` are by type in
 * lower case.
 */
export function groupDeletion(options: {
  readonly database: Database;
  readonly subscriptionId: string;
  readonly removers: ReadonlyMap<string, ResourceRemover>;
  /** True while the process drains: the work stops between two resources, and goes on after the next start. */
  draining(): boolean;
}): GroupDeletion {
  const { database, subscriptionId, removers } = options;
  const running = new Map<string, Promise<void>>();

  const removerOf = (row: ResourceRow): ResourceRemover => {
    const remover = removers.get(row.type);
    if (remover === undefined) throw new Error(`nobody removes resources of type ${row.type}`);
    return remover;
  };

  async function* contents(key: string): AsyncGenerator<ResourceRow> {
    let before = lastKey;
    for (;;) {
      const rows = await database.all(resourcesOfGroup, { group: key, before, limit: rowsAtOnce });
      yield* rows;
      const end = rows.at(-1);
      if (end === undefined) return;
      before = end.key;
    }
  }

  const work = async (key: string, context: RequestContext): Promise<void> => {
    const scopeKey = groupScopeKey(subscriptionId, key);
    try {
      do {
        for await (const row of contents(key)) {
          if (options.draining()) return;
          await removerOf(row).remove(row, context);
        }
      } while (!(await database.transact(endGroupDeletion, { key, scopeKey })));
    } catch (error) {
      const refused = refusalOf(error);
      if (refused === undefined) throw error;
      const { code, message } = refused;
      await database.transact(failGroupDeletion, { key, scopeKey, error: { code, message } });
    }
  };

  const run = (key: string, context: RequestContext): Promise<void> => {
    let under = running.get(key);
    if (under === undefined) {
      under = work(key, context).finally(() => running.delete(key));
      running.set(key, under);
    }
    return under;
  };

  return {
    async obstacles(key) {
      const found: string[] = [];
      for await (const row of contents(key)) {
        const obstacle = await removerOf(row).obstacle?.(row);
        if (obstacle !== undefined) found.push(obstacle);
        if (found.length === maxObstacles) break;
      }
      return found;
    },
    run,
    async resume() {
      for (const { key } of await database.all(groupsBeingDeleted, { limit: rowsAtOnce })) await run(key, resuming);
    },
    async settled() {
      await Promise.allSettled(running.values());
    },
  };
}

/** As many as an answer names. */
const maxObstacles = 10;

/** A refusal ends the deletion; what is no refusal (the database is away) is tried again. */
function refusalOf(error: unknown): ArmError | undefined {
  if (error instanceof ArmError) return error;
  return error instanceof Fault && !(error.cause instanceof DatabaseError) ? armErrorOf(error) : undefined;
}

/** Who works when the request that asked is long over. */
const resuming: RequestContext = {
  requestId: 'resumed',
  actor: 'system',
  host: '',
  method: 'DELETE',
  userAgent: '',
  address: '',
  listener: '',
  network: '',
};
