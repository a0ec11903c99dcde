import { Fault, type Ids } from '../../kernel/index.ts';
import type { Database } from '../../ports/index.ts';
import type { Subject } from '../directory/directory.ts';
import { type AccountRecord, accountByName, listAccounts } from './account-store.ts';
import {
  changeAccount,
  createAccount,
  createFirstAccount,
  type NewAccount,
  removeAccount,
} from './account-transactions.ts';
import { type PasswordHasher, passwordHasher } from './password-hash.ts';
import { parseUserName, readUserName } from './user-name.ts';

/** A user as lists show it. */
export interface UserSummary {
  readonly objectId: string;
  readonly name: string;
  readonly displayName: string;
  readonly enabled: boolean;
  readonly createdAt: string;
}

/** A user name with a password that is shown this one time. */
export interface ShownUser {
  readonly username: string;
  readonly password: string;
}

/** What became of a try to sign in with a password. `known` is the user of that name, whether it was right or not. */
export interface PasswordOutcome {
  readonly known: Pick<Subject, 'objectId' | 'name'> | null;
  readonly subject: Subject | null;
  /** The password was right, and the account may not be used. */
  readonly disabled: boolean;
}

/**
 * The users of the tenant. A password is 12 to 256 characters, is kept as a hash only, and without one a random one is
 * made and answered once. Names may lack their domain.
 */
export interface Accounts {
  /** Throws `conflict` for a name that is taken, `request-invalid` for a name or password that cannot be. */
  create(user: { name: string; displayName?: string; password?: string }): Promise<UserSummary & { password?: string }>;
  /** The first user, Owner at `scope`; null when there are users already. */
  createFirst(user: { name: string; scope: string }): Promise<ShownUser | null>;
  list(page: { last: string; limit: number }): Promise<UserSummary[]>;
  /** Disabling ends no session for good: enabled again, those that have not ended by themselves go on. */
  setEnabled(name: string, enabled: boolean): Promise<UserSummary>;
  /** Ends all sessions as well. Answers the password when it made one. */
  setPassword(name: string, password?: string): Promise<UserSummary & { password?: string }>;
  /** Ends all sessions: what was made by signing in is dead with the next request. */
  revoke(name: string): Promise<UserSummary>;
  /** Deletes the user, its roles and its sessions. */
  remove(name: string): Promise<void>;
  /** The user of a name; null when there is none, or it is no name. */
  named(name: string): Promise<Pick<Subject, 'objectId' | 'name'> | null>;
  /** Who has this name and password. It takes as long for a name that nobody has. Throws `TooManyWaiting`. */
  byPassword(name: string, password: string, options?: { favoured?: boolean }): Promise<PasswordOutcome>;
}

const minPasswordLength = 12;
const maxPasswordLength = 256;
const maxDisplayNameLength = 256;
const ownerRoleId = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635';

/** Makes the users' service. `domain` completes bare names. */
export function accounts(options: { database: Database; ids: Ids; domain: string; hasher?: PasswordHasher }): Accounts {
  const { database, ids, domain } = options;
  const hasher = options.hasher ?? passwordHasher();
  const keyOf = (name: string): string => parseUserName(name, domain).toLowerCase();

  const find = async (name: string): Promise<AccountRecord | undefined> => {
    const whole = readUserName(name, domain);
    return whole === undefined ? undefined : database.first(accountByName, { nameKey: whole.toLowerCase() });
  };
  const newAccount = async (name: string, displayName: string, password: string): Promise<NewAccount> => ({
    objectId: ids.guid(),
    name: parseUserName(name, domain),
    displayName: parseDisplayName(displayName),
    passwordHash: await hasher.hash(parsePassword(password)),
    credentialId: ids.id(),
  });
  const made = (given: string | undefined): { given: string; shown: { password?: string } } => {
    if (given !== undefined) return { given, shown: {} };
    const password = randomPassword(ids);
    return { given: password, shown: { password } };
  };

  return {
    async create({ name, displayName, password }) {
      const { given, shown } = made(password);
      const account = await newAccount(name, displayName ?? name.split('@')[0] ?? name, given);
      const { createdMs } = await database.transact(createAccount, account);
      return { ...summary(account, { enabled: true, createdMs }), ...shown };
    },
    async createFirst({ name, scope }) {
      // Before a hash is made for nothing; the transaction looks again.
      if (await database.first(listAccounts, { last: '', limit: 1 })) return null;
      const password = randomPassword(ids);
      const account = await newAccount(name, name, password);
      const assignment = { name: ids.guid(), scope, roleId: ownerRoleId };
      const isFirst = await database.transact(createFirstAccount, { ...account, assignment });
      return isFirst ? { username: account.name, password } : null;
    },
    async list(page) {
      return (await database.all(listAccounts, page)).map(summaryOf);
    },
    setEnabled: async (name, enabled) =>
      summaryOf(await database.transact(changeAccount, { nameKey: keyOf(name), change: { enabled } })),
    async setPassword(name, password) {
      const { given, shown } = made(password);
      const change = { passwordHash: await hasher.hash(parsePassword(given)), credentialId: ids.id() };
      return { ...summaryOf(await database.transact(changeAccount, { nameKey: keyOf(name), change })), ...shown };
    },
    revoke: async (name) =>
      summaryOf(await database.transact(changeAccount, { nameKey: keyOf(name), change: { credentialId: ids.id() } })),
    async remove(name) {
      await database.transact(removeAccount, { nameKey: keyOf(name) });
    },
    async named(name) {
      const row = await find(name);
      return row ? { objectId: row.object_id, name: row.name } : null;
    },
    async byPassword(name, password, { favoured = false } = {}) {
      const row = await find(name);
      const isPossible = password.length <= maxPasswordLength;
      const matches = await hasher.matches(isPossible ? password : '', row?.password_hash ?? null, { favoured });
      const known = row ? { objectId: row.object_id, name: row.name } : null;
      if (!row || !matches || !isPossible) return { known, subject: null, disabled: false };
      if (row.enabled !== 1) return { known, subject: null, disabled: true };
      const { object_id: objectId, credential_id: credentialId, display_name: displayName } = row;
      const subject: Subject = { kind: 'user', objectId, name: row.name, displayName, credentialId, expiresAt: null };
      return { known, subject, disabled: false };
    },
  };
}

/** More than 140 random bits, without a character that a shell or an option could take for its own. */
function randomPassword(ids: Ids): string {
  return ids
    .secret()
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .slice(0, 24);
}

function parsePassword(password: string): string {
  const { length } = password;
  if (length < minPasswordLength || length > maxPasswordLength) {
    throw new Fault(
      'request-invalid',
      `a password has ${minPasswordLength} to ${maxPasswordLength} characters, and this one has ${length}`,
    );
  }
  return password;
}

function parseDisplayName(text: string): string {
  if (text === '' || text.length > maxDisplayNameLength || /\p{Cc}/u.test(text)) {
    throw new Fault('request-invalid', `a display name has 1 to ${maxDisplayNameLength} printable characters`);
  }
  return text;
}

function summaryOf(row: AccountRecord): UserSummary {
  return {
    objectId: row.object_id,
    name: row.name,
    displayName: row.display_name,
    enabled: row.enabled === 1,
    createdAt: new Date(row.created_ms).toISOString(),
  };
}

function summary(account: NewAccount, more: { enabled: boolean; createdMs: number }): UserSummary {
  const { objectId, name, displayName } = account;
  return { objectId, name, displayName, enabled: more.enabled, createdAt: new Date(more.createdMs).toISOString() };
}
