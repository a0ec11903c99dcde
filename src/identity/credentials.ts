import type { RequestContext } from '../data/index.ts';
import { Fault, type Ids } from '../kernel/index.ts';
import type { Database, KeyWrapper } from '../ports/index.ts';
import { tokenUserName } from './authenticate.ts';
import { parseScopeMapActions } from './grants.ts';
import { hashSecret } from './secrets.ts';
import { adminCredentials, listTokens } from './store.ts';
import { createToken, type NewAdminCredential, putAdminCredentials, removeToken } from './transactions.ts';

/** A password as it is shown to people: the admin's again and again, a token's once. */
export interface ShownPassword {
  readonly name: string;
  readonly value: string;
}

/** The admin user of a registry: its name is the registry's. */
export interface ShownCredentials {
  readonly username: string;
  readonly passwords: readonly ShownPassword[];
}

/** A repository-scoped token as lists show it. */
export interface TokenSummary {
  readonly name: string;
  readonly status: string;
  readonly scopeMap: string;
  readonly actions: readonly string[];
  readonly createdAt: string;
}

/** Makes, shows and renews passwords. Admin passwords are sealed under the root key; token passwords only hashed. */
export interface Credentials {
  /** Makes both admin passwords unless they exist; answers whether it made them. */
  ensureAdmin(registry: { id: number; name: string }, context: RequestContext): Promise<boolean>;
  showAdmin(registry: { id: number; name: string }): Promise<ShownCredentials>;
  renewAdmin(
    registry: { id: number; name: string },
    name: 'password' | 'password2',
    context: RequestContext,
  ): Promise<ShownCredentials>;
  /** Creates a token with its own scope map; the passwords are answered this one time. */
  createToken(
    registry: { id: number; name: string },
    token: { name: string; actions: readonly string[]; expiresMs: number | null },
    context: RequestContext,
  ): Promise<ShownCredentials>;
  listTokens(registry: { id: number }, page: { last: string; limit: number }): Promise<TokenSummary[]>;
  deleteToken(registry: { id: number }, name: string, context: RequestContext): Promise<void>;
}

const tokenName = /^[a-zA-Z0-9-]{5,50}$/;

/** Makes the credential service. */
export function credentialService(options: { database: Database; wrapper: KeyWrapper; ids: Ids }): Credentials {
  const { database, wrapper, ids } = options;

  const newAdmin = (registryId: number, name: 'password' | 'password2'): NewAdminCredential => {
    const secret = ids.secret();
    const credentialId = ids.id();
    return {
      name,
      credentialId,
      sealed: wrapper.seal(secret, adminContext(registryId, credentialId)),
      hash: hashSecret(secret, credentialId),
    };
  };

  const showAdmin: Credentials['showAdmin'] = async (registry) => {
    const rows = await database.all(adminCredentials, { registryId: registry.id });
    const passwords = rows.map((row) => ({
      name: row.name,
      value: wrapper.open(row.sealed, adminContext(registry.id, row.credential_id)),
    }));
    return { username: registry.name, passwords };
  };

  return {
    showAdmin,
    async ensureAdmin(registry, context) {
      const credentials = [newAdmin(registry.id, 'password'), newAdmin(registry.id, 'password2')];
      return database.transact(putAdminCredentials, {
        context,
        registryId: registry.id,
        credentials,
        onlyIfAbsent: true,
      });
    },
    async renewAdmin(registry, name, context) {
      const credentials = [newAdmin(registry.id, name)];
      await database.transact(putAdminCredentials, {
        context,
        registryId: registry.id,
        credentials,
        onlyIfAbsent: false,
      });
      return showAdmin(registry);
    },
    async createToken(registry, token, context) {
      if (!tokenName.test(token.name)) {
        throw new Fault('request-invalid', `"${token.name}" is not a token name: 5 to 50 letters, digits or "-"`);
      }
      if (token.name.toLowerCase() === registry.name.toLowerCase()) {
        throw new Fault('request-invalid', `"${token.name}" is the name of the admin user; choose another`);
      }
      if (token.name === tokenUserName) {
        throw new Fault('request-invalid', `"${token.name}" is the user name that stands for a token; choose another`);
      }
      parseScopeMapActions(token.actions);
      const made = (['password1', 'password2'] as const).map((name) => ({
        name,
        value: ids.secret(),
        credentialId: ids.id(),
      }));
      await database.transact(createToken, {
        context,
        registryId: registry.id,
        name: token.name,
        scopeMapName: token.name,
        actions: token.actions,
        passwords: made.map(({ name, value, credentialId }) => ({
          name,
          credentialId,
          hash: hashSecret(value, credentialId),
          expiresMs: token.expiresMs,
        })),
      });
      return { username: token.name, passwords: made.map(({ name, value }) => ({ name, value })) };
    },
    async listTokens(registry, page) {
      const rows = await database.all(listTokens, { registryId: registry.id, last: page.last, limit: page.limit });
      return rows.map((row) => ({
        name: row.name,
        status: row.status,
        scopeMap: row.scope_map,
        actions: JSON.parse(row.actions) as string[],
        createdAt: new Date(row.created_ms).toISOString(),
      }));
    },
    async deleteToken(registry, name, context) {
      await database.transact(removeToken, { context, registryId: registry.id, name });
    },
  };
}

function adminContext(registryId: number, credentialId: string): string {
  return `admin-credential:${registryId}:${credentialId}`;
}
