import type { Clock, Fault } from '../kernel/index.ts';
import type { Database } from '../ports/index.ts';
import { allActions, repositoryActions } from './actions.ts';
import { keptPrincipals } from './directory/kept-principals.ts';
import { type DirectoryAccess, directorySignIn } from './directory/registry-sign-in.ts';
import { unproven } from './explain.ts';
import { type Grants, grantsEverywhere, noGrants, parseScopeMapActions } from './grants.ts';
import type { Principal, RegistryAccess } from './principal.ts';
import { noRoles } from './roles/permits.ts';
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
  /**
   * The principal behind an access token of the identity provider. `tenant` is what the client said, null for nothing.
   * Throws `unauthenticated`.
   */
  fromAccessToken(token: string, tenant: string | null, registry: RegistryAccess): Promise<Principal>;
}

const readEverywhere = grantsEverywhere(repositoryActions['content/read'].bit | repositoryActions['metadata/read'].bit);
const everything = grantsEverywhere(allActions);
const wrong = 'user name or password is wrong';
const applicationId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Makes the authenticator of the data plane. */
export function authenticator(options: {
  database: Database;
  tokens: TokenService;
  clock: Clock;
  directory: DirectoryAccess;
}): Authenticator {
  const { database, tokens, clock } = options;
  const directory = directorySignIn(options.directory, keptPrincipals(database, clock));
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
    objectId: '',
    roles: noRoles,
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
    objectId: '',
    roles: noRoles,
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
    objectId: '',
    roles: noRoles,
    credentialId: row.credential_id,
    tokenId: row.token_id,
    grants: grantsOf(row),
    scopeMap: row.scope_map,
    restriction: null,
    expiresAt: row.expires_ms,
  });

  const alive = (row: TokenCredential): boolean =>
    row.status === 'enabled' && (row.expires_ms === null || row.expires_ms > clock.now());

  /** The refusal of a token whose password was right and which is not alive. */
  const dead = (message: string, row: TokenCredential, registry: RegistryAccess): Fault => {
    const actor = `token:${registry.name}/${row.token_name}`;
    const cure = renewToken(registry, row.token_name);
    if (row.status !== 'enabled') return unproven(message, 'token-disabled', `${actor} is disabled`, { cure, actor });
    const ended = new Date(row.expires_ms ?? 0).toISOString();
    return unproven(message, 'password-expired', `the password of ${actor} ended at ${ended}`, { cure, actor });
  };

  const fromClaims = async (claims: TokenClaims, registry: RegistryAccess): Promise<Principal> => {
    const actor = claims.subject;
    const gone = 'the token was revoked; sign in again';
    // Made only when thrown: an error costs its stack.
    const revoked = (because: string): Fault =>
      unproven(gone, 'bearer-revoked', because, { cure: signInAgain(registry), actor });
    switch (claims.kind) {
      case 'anonymous':
        if (!registry.anonymousPull) throw revoked(`anonymous pull of ${registry.name} was turned off`);
        return { ...anonymous(registry), restriction: claims.restriction, expiresAt: claims.expiresAt };
      case 'admin': {
        if (!registry.adminEnabled) throw adminDisabled(gone, registry);
        const rows = await database.all(adminCredentials, { registryId: registry.id });
        if (!rows.some((row) => row.credential_id === claims.credentialId))
          throw revoked(`the password of ${actor} that the token was made with was renewed`);
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
        if (!row) throw revoked(`${actor}, or the password that the token was made with, is deleted`);
        if (!alive(row)) throw dead(gone, row, registry);
        const expiresAt = Math.min(claims.expiresAt, row.expires_ms ?? Number.POSITIVE_INFINITY);
        return { ...token(registry, row), restriction: claims.restriction, expiresAt };
      }
      case 'user':
      case 'service-principal':
        return directory.byClaims(claims, claims.kind, registry);
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
      if (!matching) throw wrongPassword(`admin:${registry.name}`, `berth credentials --registry ${registry.name}`);
      return admin(registry, matching.credential_id);
    }
    // No name holds a control character, and no database takes each of them.
    const isName = !/\p{Cc}/u.test(username);
    const rows = isName ? await database.all(tokenByName, { registryId: registry.id, name: username }) : [];
    const matching = rows.filter((row) => secretMatches(password, row.credential_id, row.hash))[0];
    // An unknown name costs as many hashes as a known one with two passwords.
    for (let missing = rows.length; missing < 2; missing++) hashSecret(password, username);
    if (!matching && applicationId.test(username)) return directory.bySecret(username, password, registry, wrong);
    if (!matching) throw noMatch(username, registry, rows[0]);
    if (!alive(matching)) throw dead(wrong, matching, registry);
    return token(registry, matching);
  };

  return {
    async authenticate(credential, registry) {
      switch (credential.scheme) {
        case 'none':
          return anonymous(registry);
        case 'unusable':
          throw unproven(
            'the Authorization header is neither Basic nor Bearer as RFC 7617 and RFC 6750 define them',
            'credential-unusable',
            'the Authorization header is neither Basic nor Bearer, or longer than either may be',
            { cure: signInAgain(registry) },
          );
        case 'basic':
          return fromPassword(credential.username, credential.password, registry);
        case 'bearer': {
          const claims = await tokens.verify(credential.token, registry);
          if (claims.use !== 'access')
            throw wrongUse('a refresh token does not open resources; exchange it at /oauth2/token', claims, registry);
          return fromClaims(claims, registry);
        }
        default:
          return credential satisfies never;
      }
    },
    async fromRefreshToken(text, registry) {
      const claims = await tokens.verify(text, registry);
      if (claims.use !== 'refresh') throw wrongUse('this is not a refresh token', claims, registry);
      return fromClaims(claims, registry);
    },
    fromAccessToken: (text, tenant, registry) => directory.byAccessToken(text, tenant, registry),
  };
}

function signInAgain(registry: RegistryAccess): string {
  return `sign in again: docker login ${registry.audience}`;
}

function renewToken(registry: RegistryAccess, name: string): string {
  return `berth token delete ${name} --registry ${registry.name}, then berth token create --name ${name} --registry ${registry.name} with --repository and --actions`;
}

function adminDisabled(message: string, registry: RegistryAccess): Fault {
  return unproven(message, 'admin-disabled', `the admin user of ${registry.name} is off`, {
    cure: `berth registry update ${registry.name} --admin-enabled true`,
    actor: `admin:${registry.name}`,
  });
}

function wrongPassword(actor: string, cure: string): Fault {
  return unproven(wrong, 'password-wrong', `the password is not that of ${actor}`, { cure, actor });
}

/**
 * What came is no password of `username`. A name that nobody has is not told on, not even to the operator: it may be a
 * password in the wrong place.
 */
function noMatch(username: string, registry: RegistryAccess, known: TokenCredential | undefined): Fault {
  if (username.toLowerCase() === registry.name.toLowerCase()) return adminDisabled(wrong, registry);
  if (known) return wrongPassword(`token:${registry.name}/${known.token_name}`, renewToken(registry, known.token_name));
  const because = `${registry.name} has no user of the name that was given (${username.length} characters)`;
  return unproven(wrong, 'user-unknown', because, {
    cure: `use a name that berth token list --registry ${registry.name} shows, or berth token create --registry ${registry.name}`,
  });
}

function wrongUse(message: string, claims: TokenClaims, registry: RegistryAccess): Fault {
  return unproven(
    message,
    'bearer-wrong-use',
    `a token for ${claims.use} of ${claims.subject} was used as the other kind`,
    {
      cure: `exchange the refresh token at https://${registry.audience}/oauth2/token for an access token`,
      actor: claims.subject,
    },
  );
}
