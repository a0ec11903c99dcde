import { type Clock, Fault } from '../kernel/index.ts';
import type { Database } from '../ports/index.ts';
import { allActions, repositoryActions } from './actions.ts';
import { type Grants, grantsEverywhere, noGrants, parseScopeMapActions } from './grants.ts';
import type { Principal, RegistryAccess } from './principal.ts';
import { hashSecret, secretMatches } from './secrets.ts';
import { adminCredentials, type TokenCredential, tokenByCredential, tokenByName } from './store.ts';
import type { TokenClaims, TokenService } from './token-service.ts';

/** The user name that says: the password is a token of the registry itself (ACR-FACTS §4.4). */
export const tokenUserName = '00000000-0000-0000-0000-000000000000';

/** A credential as it came in, already parsed. */
export type Credential =
  | { readonly scheme: 'none' }
  | { readonly scheme: 'unusable' }
  | { readonly scheme: 'basic'; readonly username: string; readonly password: string }
  | { readonly scheme: 'bearer'; readonly token: string };

/** Answers who asks. Rights are read for each call, so a change that was acknowledged holds for the next request. */
export interface Authenticator {
  /** Throws `unauthenticated` for a credential that proves nothing; no credential is the anonymous principal. */
  authenticate(credential: Credential, registry: RegistryAccess): Promise<Principal>;
  /** The principal behind a refresh token (of this registry), with its full rights of now. */
  fromRefreshToken(token: string, registry: RegistryAccess): Promise<Principal>;
}

const readEverywhere = grantsEverywhere(repositoryActions['content/read'].bit | repositoryActions['metadata/read'].bit);
const everything = grantsEverywhere(allActions);
const wrong = 'user name or password is wrong';

/** Makes the authenticator of the data plane. */
export function authenticator(options: { database: Database; tokens: TokenService; clock: Clock }): Authenticator {
  const { database, tokens, clock } = options;
  const parsedScopeMaps = new Map<string, Grants>();

  /** Actions of a scope map never change under one stamp, so what was parsed may be kept. */
  const grantsOf = (row: TokenCredential): Grants => {
    const key = `${row.token_id}:${row.scope_map_stamp}`;
    let grants = parsedScopeMaps.get(key);
    if (!grants) {
      grants = parseScopeMapActions(JSON.parse(row.actions) as string[]);
      if (parsedScopeMaps.size >= 1000) parsedScopeMaps.clear();
      parsedScopeMaps.set(key, grants);
    }
    return grants;
  };

  const anonymous = (registry: RegistryAccess): Principal => ({
    kind: 'anonymous',
    name: 'anonymous',
    registryId: registry.id,
    credentialId: '',
    tokenId: 0,
    grants: registry.anonymousPull ? readEverywhere : noGrants,
    restriction: null,
    expiresAt: null,
  });

  const admin = (registry: RegistryAccess, credentialId: string): Principal => ({
    kind: 'admin',
    name: `admin:${registry.name}`,
    registryId: registry.id,
    credentialId,
    tokenId: 0,
    grants: everything,
    restriction: null,
    expiresAt: null,
  });

  const token = (registry: RegistryAccess, row: TokenCredential): Principal => ({
    kind: 'token',
    name: `token:${registry.name}/${row.token_name}`,
    registryId: registry.id,
    credentialId: row.credential_id,
    tokenId: row.token_id,
    grants: grantsOf(row),
    restriction: null,
    expiresAt: row.expires_ms,
  });

  const alive = (row: TokenCredential): boolean =>
    row.status === 'enabled' && (row.expires_ms === null || row.expires_ms > clock.now());

  const fromClaims = async (claims: TokenClaims, registry: RegistryAccess): Promise<Principal> => {
    // Made only when thrown: an error costs its stack.
    const revoked = (): Fault => new Fault('unauthenticated', 'the token was revoked; sign in again');
    switch (claims.kind) {
      case 'anonymous':
        if (!registry.anonymousPull) throw revoked();
        return { ...anonymous(registry), restriction: claims.restriction, expiresAt: claims.expiresAt };
      case 'admin': {
        if (!registry.adminEnabled) throw revoked();
        const rows = await database.all(adminCredentials, { registryId: registry.id });
        if (!rows.some((row) => row.credential_id === claims.credentialId)) throw revoked();
        return {
          ...admin(registry, claims.credentialId),
          restriction: claims.restriction,
          expiresAt: claims.expiresAt,
        };
      }
      case 'token': {
        const row = await database.first(tokenByCredential, {
          registryId: registry.id,
          tokenId: claims.tokenId,
          credentialId: claims.credentialId,
        });
        if (!row || !alive(row)) throw revoked();
        const expiresAt = Math.min(claims.expiresAt, row.expires_ms ?? Number.POSITIVE_INFINITY);
        return { ...token(registry, row), restriction: claims.restriction, expiresAt };
      }
      default:
        return claims.kind satisfies never;
    }
  };

  const fromPassword = async (username: string, password: string, registry: RegistryAccess): Promise<Principal> => {
    if (username === tokenUserName) return fromClaims(await tokens.verify(password, registry), registry);
    if (username.toLowerCase() === registry.name.toLowerCase() && registry.adminEnabled) {
      const rows = await database.all(adminCredentials, { registryId: registry.id });
      // Both are compared, so that time does not tell which one was near.
      const matching = rows.filter((row) => secretMatches(password, row.credential_id, row.hash))[0];
      if (!matching) throw new Fault('unauthenticated', wrong);
      return admin(registry, matching.credential_id);
    }
    const rows = await database.all(tokenByName, { registryId: registry.id, name: username });
    const matching = rows.filter((row) => secretMatches(password, row.credential_id, row.hash))[0];
    // An unknown name costs as many hashes as a known one with two passwords.
    for (let missing = rows.length; missing < 2; missing++) hashSecret(password, username);
    if (!matching || !alive(matching)) throw new Fault('unauthenticated', wrong);
    return token(registry, matching);
  };

  return {
    async authenticate(credential, registry) {
      switch (credential.scheme) {
        case 'none':
          return anonymous(registry);
        case 'unusable':
          throw new Fault(
            'unauthenticated',
            'the Authorization header is neither Basic nor Bearer as RFC 7617 and RFC 6750 define them',
          );
        case 'basic':
          return fromPassword(credential.username, credential.password, registry);
        case 'bearer': {
          const claims = await tokens.verify(credential.token, registry);
          if (claims.use !== 'access')
            throw new Fault('unauthenticated', 'a refresh token does not open resources; exchange it at /oauth2/token');
          return fromClaims(claims, registry);
        }
        default:
          return credential satisfies never;
      }
    },
    async fromRefreshToken(text, registry) {
      const claims = await tokens.verify(text, registry);
      if (claims.use !== 'refresh') throw new Fault('unauthenticated', 'this is not a refresh token');
      return fromClaims(claims, registry);
    },
  };
}
