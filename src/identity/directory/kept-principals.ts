import type { Clock } from '../../kernel/index.ts';
import type { Database } from '../../ports/index.ts';
import type { Principal } from '../principal.ts';

/**
 * Principals as the rows of one generation of the database make them, so that a client that asks again and again has its
 * account and roles read once. After any acknowledged change they are read anew; where the database cannot tell its
 * generation, each time.
 */
export interface KeptPrincipals {
  /** The principal under `key`, or what `read` answers. One whose credential has ended is read, and so refused. */
  of(key: string, read: () => Promise<Principal>): Promise<Principal>;
}

const maxKept = 2_000;

/** Makes the memory. */
export function keptPrincipals(database: Pick<Database, 'generation'>, clock: Clock): KeptPrincipals {
  let generation: number | undefined;
  let kept = new Map<string, Principal>();
  return {
    async of(key, read) {
      const begun = database.generation();
      if (begun === undefined) return read();
      if (begun !== generation) {
        generation = begun;
        kept = new Map();
      }
      const known = kept.get(key);
      if (known !== undefined && (known.expiresAt === null || known.expiresAt > clock.now())) return known;
      const into = kept;
      const principal = await read();
      // What was read while something changed may be of either state.
      if (database.generation() === begun && into.size < maxKept) into.set(key, principal);
      return principal;
    },
  };
}
