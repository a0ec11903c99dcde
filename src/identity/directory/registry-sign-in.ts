import { type Fault, isFault } from '../../kernel/index.ts';
import { unproven } from '../explain.ts';
import type { Principal, RegistryAccess } from '../principal.ts';
import { registryRights } from '../roles/registry-rights.ts';
import type { TokenClaims } from '../token-service.ts';
import { type Directory, nameOf, type SecretJudgement, type Subject } from './directory.ts';
import type { DirectoryTokens } from './directory-tokens.ts';
import type { KeptPrincipals } from './kept-principals.ts';
import { isTenant } from './tenant.ts';

/** The directory as the data plane needs it. Its keys are loaded when somebody first comes with one of its tokens. */
export interface DirectoryAccess {
  readonly directory: Directory;
  readonly tokens: () => Promise<DirectoryTokens>;
  /** The domain that Berth stands under, one of the names of its tenant. */
  readonly domain: string;
}

/** How somebody of the directory becomes a principal of a registry. Who they are and their roles are read each time. */
export interface DirectorySignIn {
  /** By application id and secret. Throws `unauthenticated` with `message`. */
  bySecret(appId: string, secret: string, registry: RegistryAccess, message: string): Promise<Principal>;
  /** By a token of the registry that was made for them. Throws `unauthenticated` once they, or what proved them, are gone. */
  byClaims(claims: TokenClaims, kind: Subject['kind'], registry: RegistryAccess): Promise<Principal>;
  /** By an access token of the identity provider; `tenant` is what the client said, null for nothing. */
  byAccessToken(token: string, tenant: string | null, registry: RegistryAccess): Promise<Principal>;
}

/** Makes the sign-in of the directory's people and applications. */
export function directorySignIn(access: DirectoryAccess, kept: KeptPrincipals): DirectorySignIn {
  const { directory } = access;

  const principalOf = async (subject: Subject, registry: RegistryAccess): Promise<Principal> => {
    const roles = await directory.rolesOf(subject.objectId, registry.resourceKey);
    return {
      kind: subject.kind,
      name: nameOf(subject),
      registryId: registry.id,
      objectId: subject.objectId,
      roles,
      credentialId: subject.credentialId,
      tokenId: 0,
      ...registryRights(roles, registry),
      restriction: null,
      expiresAt: subject.expiresAt,
    };
  };

  return {
    async bySecret(appId, secret, registry, message) {
      const judged = await directory.judgeSecret(appId, secret);
      if ('subject' in judged) return principalOf(judged.subject, registry);
      throw refusedSecret(judged, appId, registry, message);
    },
    async byClaims(claims, kind, registry) {
      const { objectId, credentialId, restriction } = claims;
      // The registry was read before, perhaps in an earlier generation, so what counts of it is part of the key.
      const key = `${registry.id} ${registry.roleMode} ${kind} ${objectId} ${credentialId}`;
      const principal = await kept.of(key, async () => {
        const subject = await directory
          .subjectOf({ kind, objectId, credentialId })
          .catch((error: unknown) => rethrown(error, claims.subject, registry));
        return principalOf(subject, registry);
      });
      const expiresAt = Math.min(claims.expiresAt, principal.expiresAt ?? Number.POSITIVE_INFINITY);
      return { ...principal, restriction, expiresAt };
    },
    async byAccessToken(text, tenant, registry) {
      const tokens = await access.tokens();
      if (tenant !== null && !isTenant(tenant, { tenantId: tokens.tenantId, domain: access.domain })) {
        throw unproven(
          'the tenant is not the one that this registry belongs to',
          'other-tenant',
          'a token was offered with the name of a tenant that is not here',
          { cure: `az login --tenant ${tokens.tenantId}` },
        );
      }
      const claims = await tokens.verify(text, ['registry', 'management']).catch((cause: unknown) => {
        throw isFault(cause, 'unauthenticated') ? unusable(cause, registry) : cause;
      });
      if (claims.resource === 'management' && !registry.armTokens) throw forManagement(registry);
      const subject = await directory
        .subjectOf(claims)
        .catch((error: unknown) => rethrown(error, `${claims.kind}#${claims.objectId}`, registry));
      return principalOf(subject, registry);
    },
  };
}

const gone = 'the account is disabled or gone, or its password or secret was changed; sign in again';

function rethrown(error: unknown, actor: string, registry: RegistryAccess): never {
  if (!isFault(error, 'unauthenticated')) throw error;
  const because = `${actor} is disabled or gone, or the password or secret that proved it ended or was removed`;
  throw unproven(gone, 'bearer-revoked', because, { cure: `az login, then ${azLogin(registry)}`, actor, cause: error });
}

function unusable(cause: Fault, registry: RegistryAccess): Fault {
  return unproven(
    'the access token is not a living one of the identity provider of this registry for registries',
    'directory-token-unusable',
    `${cause.message}; the exchange takes those for registries and for the resource manager`,
    { cure: azLogin(registry), cause },
  );
}

function forManagement(registry: RegistryAccess): Fault {
  return unproven(
    'the access token is for the resource manager; this registry takes those for https://containerregistry.azure.net only',
    'directory-token-for-management',
    `${registry.name} does not take access tokens for the resource manager`,
    { cure: `az acr config authentication-as-arm update --registry ${registry.name} --status enabled` },
  );
}

function azLogin(registry: RegistryAccess): string {
  return `az acr login --name ${registry.name}`;
}

function refusedSecret(
  judged: Exclude<SecretJudgement, { subject: Subject }>,
  appId: string,
  registry: RegistryAccess,
  message: string,
): Fault {
  if (judged.name === null) {
    // What was given in its place may be a secret, so it is not repeated.
    const because = `${registry.name} has no user of the name that was given, and no application with that id has a service principal`;
    return unproven(message, 'user-unknown', because, { cure: 'use an application id that az ad sp list --all shows' });
  }
  const renew = `az ad sp credential reset --id ${appId}`;
  const actor = judged.name;
  switch (judged.refused) {
    case 'wrong':
      return unproven(message, 'password-wrong', `the secret is not one of ${actor}`, { cure: renew, actor });
    case 'ended':
      return unproven(message, 'password-expired', `the secret of ${actor} has ended`, { cure: renew, actor });
    case 'early':
      return unproven(message, 'password-expired', `the secret of ${actor} does not count yet`, { cure: renew, actor });
    case 'disabled':
      return unproven(message, 'account-disabled', `the service principal of ${actor} is disabled`, {
        cure: `az ad sp update --id ${appId} --set accountEnabled=true`,
        actor,
      });
    default:
      return judged satisfies never;
  }
}
