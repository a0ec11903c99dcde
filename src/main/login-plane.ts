import type { Exchange } from '../http/index.ts';
import * as identity from '../identity/index.ts';
import type { Clock, Ids } from '../kernel/index.ts';
import type { Database } from '../ports/index.ts';
import { type Background, repeat } from './background.ts';
import type { Config } from './config-schema.ts';
import type { DirectoryPlane } from './directory-plane.ts';
import { lazyHandle } from './lazy.ts';
import type { Handle } from './planes-by-host.ts';
import { derivedKey } from './root-key.ts';

/** The identity provider of one thread, and what it shares with the operator's commands. */
export interface LoginPlane {
  readonly handle: Handle;
  readonly accounts: identity.Accounts;
  readonly signIns: identity.SignIns;
  /** Starts what repeats. */
  background(told: (error: unknown) => void): Background[];
  /** Writes down what waits in memory for that. */
  flush(): Promise<void>;
}

/** How often a thread looks whether there are newer signing keys, or it is time for one. */
const keysEveryMs = 600_000;
const forgetEveryMs = 600_000;

/** The identity provider, which its first request opens. */
export function loginPlane(parts: {
  config: Config;
  database: Database;
  clock: Clock;
  ids: Ids;
  rootKey: Uint8Array;
  tenantId: string;
  directory: () => Promise<DirectoryPlane>;
  /** The keys of the registries, which rotate by the same timer. */
  registryKeys: identity.SigningKeys;
  failed: (exchange: Exchange, error: unknown) => void;
}): LoginPlane {
  const { config, database, clock, ids, rootKey, tenantId, failed } = parts;
  const { domain } = config;
  const accounts = identity.accounts({ database, ids, domain });
  const signIns = identity.signIns(database, clock);
  const sessions = identity.signInSessions({
    database,
    ids,
    key: derivedKey(rootKey, 'directory/refresh-tokens'),
    lifetimes: { slidingMs: config.directory.refreshLifetime, absoluteMs: config.directory.sessionLifetime },
  });
  let opened: DirectoryPlane | undefined;
  let provider: Handle | undefined;
  const open = async (): Promise<Handle> => {
    opened ??= await parts.directory();
    provider ??= await identity.openIdentityProvider({
      domain,
      tenantId,
      clock,
      accounts,
      sessions,
      signIns,
      directory: opened.directory,
      tokens: opened.tokens,
      formKey: derivedKey(rootKey, 'directory/forms'),
      monotonic: () => performance.now(),
      failed,
    });
    return provider;
  };
  return {
    handle: lazyHandle(open, failed),
    accounts,
    signIns,
    background: (told) => [
      repeat(5_000, () => signIns.flush(), told),
      repeat(forgetEveryMs, () => sessions.forget(), told),
      repeat(keysEveryMs, () => parts.registryKeys.refresh(), told),
      repeat(keysEveryMs, async () => opened?.keys.refresh(), told),
    ],
    flush: () => signIns.flush(),
  };
}
