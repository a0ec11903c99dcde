import * as identity from '../identity/index.ts';
import type { Clock, Ids } from '../kernel/index.ts';
import type { Database, KeyWrapper } from '../ports/index.ts';
import { lazy } from './lazy.ts';

/** Who is who in the tenant, and the tokens that say so: what identity provider, Graph and resource manager share. */
export interface DirectoryPlane {
  readonly directory: identity.Directory;
  readonly tokens: identity.DirectoryTokens;
}

/** How long an access token of the identity provider is good, in milliseconds: an hour, as clients of Entra know it. */
export const directoryAccessLifetimeMs = 3_600_000;

/**
 * The directory of one thread, opened by the first plane that asks for it: its signing key is made once per deployment, and
 * the thread has one cache of verified tokens.
 */
export function lazyDirectory(parts: {
  database: Database;
  wrapper: KeyWrapper;
  clock: Clock;
  ids: Ids;
  tenantId: string;
}): () => Promise<DirectoryPlane> {
  const { database, wrapper, clock, ids, tenantId } = parts;
  return lazy(async () => ({
    directory: identity.directory({ database, clock }),
    tokens: identity.directoryTokens({
      keys: await identity.loadSigningKeys(database, wrapper, ids, 'directory'),
      clock,
      ids,
      tenantId,
      accessLifetimeMs: directoryAccessLifetimeMs,
    }),
  }));
}
