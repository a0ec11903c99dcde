import type { Exchange } from '../../http/index.ts';
import { type RepositoryAction, repositoryActions } from '../../identity/index.ts';
import type { RouteAccess } from './routes.ts';

/** The scope that a client must ask for to use a route; null where az must not see one (AZ-WIRE T-REG-2). */
export function scopeOf(access: RouteAccess, repository: string | null): string | null {
  switch (access.kind) {
    case 'catalog':
      return 'registry:catalog:*';
    case 'repository':
      return repository === null ? null : `repository:${repository}:${wordsFor(access.action)}`;
    case 'signed-in':
    case 'token-endpoint':
      return null;
    default:
      return access satisfies never;
  }
}

/** Who pushes also looks whether things are there, and who changes metadata reads them: clients get both in one token. */
function wordsFor(action: RepositoryAction): string {
  if (action === 'content/write') return 'pull,push';
  if (action === 'metadata/write') return 'metadata_write,metadata_read';
  return repositoryActions[action].scopeWord;
}

/**
 * The `WWW-Authenticate` value. az splits it at blanks and equal signs, so there is no blank after a comma and none inside
 * the realm (AZ-WIRE T-REG-1); realm and service repeat host and port as asked (T-REG-4, T-REG-6).
 */
export function challenge(exchange: Exchange, loginServer: string, scope: string | null, error: string | null): string {
  const host = exchange.host === '' ? loginServer : exchange.host;
  const parts = [`Bearer realm="${exchange.listener.scheme}://${host}/oauth2/token"`, `service="${host}"`];
  if (scope !== null) parts.push(`scope="${scope}"`);
  if (error !== null) parts.push(`error="${error}"`);
  return parts.join(',');
}

/** `detail` of an UNAUTHORIZED error, in ACR's form (ACR-FACTS §4.1). */
export function unauthorizedDetail(access: RouteAccess, repository: string | null): unknown {
  if (access.kind === 'repository' && repository !== null) {
    return [{ Type: 'repository', Name: repository, Action: repositoryActions[access.action].scopeWord }];
  }
  return access.kind === 'catalog' ? [{ Type: 'registry', Name: 'catalog', Action: '*' }] : null;
}
