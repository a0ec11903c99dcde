import * as identity from '../identity/index.ts';
import type { Clock, Ids } from '../kernel/index.ts';
import type { Database, KeyWrapper } from '../ports/index.ts';
import type { Config } from './config-schema.ts';
import { lazy } from './lazy.ts';

/** Who is who in the tenant, and the tokens that say so: what identity provider, Graph and resource manager share. */
export interface DirectoryPlane {
  readonly directory: identity.Directory;
  readonly tokens: identity.DirectoryTokens;
  /** What signs them, for the timer that rotates. */
  readonly keys: identity.SigningKeys;
}

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
  config: Config;
}): () => Promise<DirectoryPlane> {
  const { database, wrapper, clock, ids, tenantId, config } = parts;
  const { accessLifetime } = config.directory;
  return lazy(async () => {
    const keys = await identity.loadSigningKeys(database, wrapper, ids, {
      purpose: 'directory',
      clock,
      rotateAfterMs: config.tokens.keyRotation,
      tokensLiveMs: accessLifetime,
    });
    return {
      directory: identity.directory({ database, clock }),
      tokens: identity.directoryTokens({ keys, clock, ids, tenantId, accessLifetimeMs: accessLifetime }),
      keys,
    };
  });
}
