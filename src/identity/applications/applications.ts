import { type Clock, Fault, type Ids } from '../../kernel/index.ts';
import type { Database } from '../../ports/index.ts';
import { hashSecret } from '../secrets.ts';
import {
  type ApplicationRecord,
  applicationByAppId,
  applicationById,
  applicationsByName,
  principalByAppId,
  principalById,
  principalsByName,
  type SecretOwner,
  type SecretRecord,
  type ServicePrincipalRecord,
  secretsOf,
} from './application-store.ts';
import {
  addApplication,
  addSecret,
  addServicePrincipal,
  changeApplication,
  changeServicePrincipal,
  removeApplication,
  removeSecret,
  removeServicePrincipal,
} from './application-transactions.ts';

/** A secret as lists show it: which one it is, never what it is. */
export interface SecretSummary {
  readonly keyId: string;
  readonly displayName: string;
  /** Its first three characters. */
  readonly hint: string;
  /** Unix milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
}

export interface Application {
  readonly objectId: string;
  readonly appId: string;
  readonly displayName: string;
  readonly createdMs: number;
  readonly secrets: readonly SecretSummary[];
}

/** Who an application, or a resource with an identity of its own, is in the tenant. */
export interface ServicePrincipal extends Application {
  readonly kind: 'Application' | 'ManagedIdentity';
  readonly enabled: boolean;
  /** Of the identity of one resource: the key of that. */
  readonly resourceKey: string | null;
}

/** Which of the names: all, one, or those that begin so; without regard to the case of ASCII letters. */
export type NameFilter = { readonly kind: 'all' } | { readonly kind: 'equals' | 'begins'; readonly text: string };

/** A page by name; `last` is the place after which it begins, as the page before has answered it. */
export interface NamedPage {
  readonly filter: NameFilter;
  readonly last: { readonly name: string; readonly id: string } | null;
  readonly limit: number;
}

/** When a secret begins and ends, Unix milliseconds; null for now, and for a year later. */
export interface SecretTerms {
  readonly displayName: string;
  readonly startMs: number | null;
  readonly endMs: number | null;
}

/**
 * Applications, their service principals and their secrets. A secret is 256 random bits, is kept as a hash only and is
 * answered the one time when it is made. Ids of applications may come in any case.
 */
export interface Applications {
  create(displayName: string): Promise<Application>;
  /** Throws `not-found`. */
  rename(objectId: string, displayName: string): Promise<void>;
  /** Deletes it with its service principal, secrets and roles. Throws `not-found`, `not-permitted` for the last owner. */
  remove(objectId: string): Promise<void>;
  byId(objectId: string): Promise<Application | undefined>;
  byAppId(appId: string): Promise<Application | undefined>;
  list(page: NamedPage): Promise<Application[]>;
  /** Throws `not-found` without the application, `conflict` for a second one. */
  createPrincipal(appId: string, enabled: boolean): Promise<ServicePrincipal>;
  /** Throws `not-found`. */
  setEnabled(objectId: string, enabled: boolean): Promise<void>;
  /** Deletes it with its own secrets and its roles. Throws `not-found`, `not-permitted`. */
  removePrincipal(objectId: string): Promise<void>;
  principalById(objectId: string): Promise<ServicePrincipal | undefined>;
  principalByAppId(appId: string): Promise<ServicePrincipal | undefined>;
  listPrincipals(page: NamedPage): Promise<ServicePrincipal[]>;
  /** Throws `request-invalid` for an end that is not after the beginning and after now; `not-found`, `conflict`. */
  addSecret(
    owner: { readonly appId: string; readonly owner: SecretOwner },
    terms: SecretTerms,
  ): Promise<SecretSummary & { readonly secret: string }>;
  /** Throws `not-found`. */
  removeSecret(owner: { readonly appId: string; readonly owner: SecretOwner }, keyId: string): Promise<void>;
}

const yearMs = 365 * 86_400_000;
/** The end of 2299, the latest that Entra takes. */
const latestEndMs = Date.UTC(2300, 0, 1) - 1;
const maxNameLength = 256;
/** Sorts after every character of a name; names hold no control characters. */
const afterEveryName = '\u{10ffff}';
const afterTheName = '\u0001';

/** Checks the name of an application. Throws `request-invalid`. */
function parseDisplayName(text: string): string {
  if (text.trim() === '' || text.length > maxNameLength || /\p{Cc}/u.test(text)) {
    throw new Fault(
      'request-invalid',
      `a display name is 1 to ${maxNameLength} characters, none of them a control character`,
    );
  }
  return text;
}

/** Makes the service of applications. */
export function applications(options: { database: Database; clock: Clock; ids: Ids }): Applications {
  const { database, clock, ids } = options;

  const secrets = async (appId: string, owner: SecretOwner): Promise<SecretSummary[]> =>
    (await database.all(secretsOf, { appId, owner })).map(summaryOf);
  const applicationOf = async (row: ApplicationRecord): Promise<Application> => ({
    ...commonOf(row),
    secrets: await secrets(row.app_id, 'application'),
  });
  const principalOf = async (row: ServicePrincipalRecord): Promise<ServicePrincipal> => ({
    ...commonOf(row),
    kind: row.kind,
    enabled: row.enabled === 1,
    resourceKey: row.resource_key,
    secrets: row.kind === 'Application' ? await secrets(row.app_id, 'servicePrincipal') : [],
  });
  const byId: Applications['byId'] = async (objectId) => {
    const row = await database.first(applicationById, { objectId: objectId.toLowerCase() });
    return row && applicationOf(row);
  };
  const findPrincipal: Applications['principalById'] = async (objectId) => {
    const row = await database.first(principalById, { objectId: objectId.toLowerCase() });
    return row && principalOf(row);
  };

  return {
    async create(displayName) {
      const made = { objectId: ids.guid(), appId: ids.guid(), displayName: parseDisplayName(displayName) };
      await database.transact(addApplication, made);
      return found(await byId(made.objectId));
    },
    async rename(objectId, displayName) {
      await database.transact(changeApplication, {
        objectId: objectId.toLowerCase(),
        displayName: parseDisplayName(displayName),
      });
    },
    remove: (objectId) => database.transact(removeApplication, { objectId: objectId.toLowerCase() }),
    byId,
    async byAppId(appId) {
      const row = await database.first(applicationByAppId, { appId: appId.toLowerCase() });
      return row && applicationOf(row);
    },
    list: async (page) => Promise.all((await database.all(applicationsByName, pageOf(page))).map(applicationOf)),
    async createPrincipal(appId, enabled) {
      const objectId = ids.guid();
      await database.transact(addServicePrincipal, { objectId, appId: appId.toLowerCase(), enabled });
      return found(await findPrincipal(objectId));
    },
    setEnabled: (objectId, enabled) =>
      database.transact(changeServicePrincipal, { objectId: objectId.toLowerCase(), enabled }),
    removePrincipal: (objectId) => database.transact(removeServicePrincipal, { objectId: objectId.toLowerCase() }),
    principalById: findPrincipal,
    async principalByAppId(appId) {
      const row = await database.first(principalByAppId, { appId: appId.toLowerCase() });
      return row && principalOf(row);
    },
    listPrincipals: async (page) => Promise.all((await database.all(principalsByName, pageOf(page))).map(principalOf)),
    async addSecret({ appId, owner }, terms) {
      const now = clock.now();
      const startMs = terms.startMs ?? now;
      const endMs = terms.endMs ?? startMs + yearMs;
      if (endMs <= startMs || endMs <= now || endMs > latestEndMs) {
        throw new Fault('request-invalid', 'a password ends after it begins, after now, and before the year 2300');
      }
      const displayName = terms.displayName === '' ? '' : parseDisplayName(terms.displayName);
      const keyId = ids.guid();
      const secret = ids.secret();
      const summary = { keyId, displayName, hint: secret.slice(0, 3), startMs, endMs };
      const hash = hashSecret(secret, keyId);
      await database.transact(addSecret, { appId: appId.toLowerCase(), owner, hash, ...summary });
      return { ...summary, secret };
    },
    removeSecret: ({ appId, owner }, keyId) =>
      database.transact(removeSecret, { appId: appId.toLowerCase(), owner, keyId: keyId.toLowerCase() }),
  };
}

function commonOf(row: ApplicationRecord): Omit<Application, 'secrets'> {
  return { objectId: row.object_id, appId: row.app_id, displayName: row.display_name, createdMs: row.created_ms };
}

function summaryOf(row: SecretRecord): SecretSummary {
  return {
    keyId: row.key_id,
    displayName: row.display_name,
    hint: row.hint,
    startMs: row.start_ms,
    endMs: row.end_ms,
  };
}

function pageOf({ filter, last, limit }: NamedPage) {
  const lastPlace = { lastName: last === null ? '' : lower(last.name), lastId: last?.id ?? '', limit };
  if (filter.kind === 'all') return { from: '', to: afterEveryName, ...lastPlace };
  const text = lower(filter.text);
  return { from: text, to: `${text}${filter.kind === 'equals' ? afterTheName : afterEveryName}`, ...lastPlace };
}

/** As `lower` of both engines does: ASCII letters only. */
function lower(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function found<T>(made: T | undefined): T {
  if (made === undefined) throw new Fault('conflict', 'it was deleted while it was made');
  return made;
}
