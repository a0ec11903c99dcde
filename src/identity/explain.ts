import { type Explanation, Fault, type OperatorOnly, operatorOnly, type SpecificRule } from '../kernel/index.ts';
import { type RepositoryAction, repositoryActions } from './actions.ts';
import type { DataWanted } from './decide.ts';
import { explainMissingRole } from './explain-roles.ts';
import { maskFor } from './grants.ts';
import { listedRanges, type Principal, type RegistryAccess } from './principal.ts';

/**
 * Why `decide` said no, and what would make it say yes. Asked only once it has, so that who is allowed pays nothing. Pure.
 */
export function explainDenial(
  principal: Principal,
  wanted: readonly DataWanted[],
  registry: RegistryAccess,
): OperatorOnly<Explanation> {
  return operatorOnly(explanationOf(principal, wanted, registry));
}

function explanationOf(principal: Principal, wanted: readonly DataWanted[], registry: RegistryAccess): Explanation {
  const { name } = registry;
  if (principal.registryId !== registry.id) {
    return {
      rule: 'other-registry',
      because: `${principal.name} belongs to another registry than ${name}`,
      cure: `sign in to ${registry.audience} with an account of its own: berth credentials --registry ${name}`,
    };
  }
  if (principal.kind === 'anonymous') return explainAnonymous(wanted, registry);
  for (const one of wanted) {
    const missing = explainWanted(principal, one, registry);
    if (missing) return missing;
  }
  throw new Error('nothing was denied');
}

function explainAnonymous(wanted: readonly DataWanted[], registry: RegistryAccess): Explanation {
  const pulls =
    wanted.length > 0 && wanted.every((one) => one.action.endsWith('/read') && one.action !== 'catalog/read');
  if (registry.anonymousPull && !pulls && wanted.length > 0) {
    return {
      rule: 'anonymous-may-only-pull',
      because: `nobody is signed in, and on ${registry.name} everybody may pull, but nothing else: not ${verbOf(wanted)}`,
      cure: `docker login ${registry.audience}, with what berth credentials --registry ${registry.name} shows or a token of the registry`,
    };
  }
  return missingCredential(registry);
}

/** The refusal of somebody who did not sign in where that is needed. */
export function missingCredential(registry: RegistryAccess): Explanation {
  return {
    rule: 'credential-missing',
    because: `nobody is signed in${registry.anonymousPull ? '' : `, and anonymous pull of ${registry.name} is off`}`,
    cure: `docker login ${registry.audience}; or, to let everybody pull, berth registry update ${registry.name} --anonymous-pull true`,
  };
}

function explainWanted(principal: Principal, one: DataWanted, registry: RegistryAccess): Explanation | undefined {
  const granted =
    one.action === 'catalog/read'
      ? listedRanges(principal).length > 0
      : (maskFor(principal.grants, one.repository) & repositoryActions[one.action].bit) !== 0;
  const what = one.action === 'catalog/read' ? one.action : `${one.action} on ${one.repository}`;
  if (!granted && principal.objectId !== '') return explainMissingRole(principal, one, registry);
  if (!granted) {
    const repository = one.action === 'catalog/read' ? '*' : one.repository;
    const action = one.action === 'catalog/read' ? 'metadata/read' : one.action;
    return {
      rule: 'not-in-scope-map',
      because: `${scopeMapOf(principal)} lacks ${what}`,
      cure: tokenFor(repository, action, registry.name),
    };
  }
  const { restriction } = principal;
  if (restriction === null) return undefined;
  const inBearer =
    one.action === 'catalog/read'
      ? restriction.catalog
      : (((restriction.repositories.get(one.repository) ?? 0) | (restriction.repositories.get('*') ?? 0)) &
          repositoryActions[one.action].bit) !==
        0;
  if (inBearer) return undefined;
  const scope =
    one.action === 'catalog/read'
      ? 'registry:catalog:*'
      : `repository:${one.repository}:${repositoryActions[one.action].scopeWord}`;
  return {
    rule: 'not-in-bearer',
    because: `${principal.name} may do ${what}, but the access token was asked for without it`,
    cure: `ask /oauth2/token for scope=${scope}, as the challenge of the answer says`,
  };
}

function scopeMapOf(principal: Principal): string {
  return principal.scopeMap === undefined ? principal.name : `scope map ${principal.scopeMap} of ${principal.name}`;
}

/** Who pushes also looks, and who changes metadata reads it: a token with one right alone serves no client. */
const together: Readonly<Record<RepositoryAction, string>> = {
  'content/read': 'content/read',
  'content/write': 'content/read,content/write',
  'content/delete': 'content/read,content/delete',
  'metadata/read': 'metadata/read',
  'metadata/write': 'metadata/read,metadata/write',
};

function tokenFor(repository: string, action: RepositoryAction, registry: string): string {
  const words = `${repository === '*' ? 'all' : repository}-${repositoryActions[action].scopeWord}`;
  const name = words
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(-50)
    .replace(/^-/, '')
    .padStart(5, 'token-');
  return `berth token create --registry ${registry} --name ${name} --repository '${repository}' --actions ${together[action]}`;
}

function verbOf(wanted: readonly DataWanted[]): string {
  return wanted.map((one) => one.action).join(', ');
}

/** Makes the fault of a credential that proves nothing. The caller hears `message`, the operator the rest. */
export function unproven(
  message: string,
  rule: SpecificRule,
  because: string,
  options: { cure: string; actor?: string; cause?: unknown },
): Fault {
  const { cure, actor, cause } = options;
  return new Fault('unauthenticated', message, {
    ...(cause === undefined ? {} : { cause }),
    operator: operatorOnly({ rule, because, cure, ...(actor === undefined ? {} : { actor }) }),
  });
}
