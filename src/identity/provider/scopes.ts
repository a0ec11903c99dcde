import type { DirectoryResource } from '../directory/directory-tokens.ts';
import { printable } from './form.ts';
import { OAuthRefusal } from './refusal.ts';

/** What a client asks a token for. */
export interface AskedScopes {
  readonly resource: DirectoryResource;
  /** The resource as the client spells it: the audience of its token. */
  readonly audience: string;
  /** What the answer says was granted, spelled as it was asked for: clients find their tokens by it (T-AUTH-2). */
  readonly granted: string;
  readonly openid: boolean;
  readonly offline: boolean;
  /** All of it as text, to be read again by `parseScopes`. */
  readonly text: string;
}

const oidcWords = ['openid', 'profile', 'email', 'offline_access'];
const maxLength = 2_000;
/** What a permission may be: everything that the roles of its subject allow. */
const wholeAccess = ['.default', 'user_impersonation'];

/** Names under which Azure's clients know the resources, besides those below the domain (AZ-WIRE T-AUTH-1, T-AUTH-12). */
const knownHosts: Readonly<Record<string, DirectoryResource>> = {
  'management.azure.com': 'management',
  'management.core.windows.net': 'management',
  'graph.microsoft.com': 'graph',
  'containerregistry.azure.net': 'registry',
};

/**
 * Reads a scope: words of OpenID Connect and permissions of one resource. Exactly `/.default` is taken from the end, so
 * that `https://host//.default` is for `https://host/`. Without a resource it is for Graph, whose words these are. Throws
 * an OAuthRefusal.
 */
export function readScopes(text: string, domain: string): AskedScopes {
  if (text.length > maxLength)
    throw new OAuthRefusal('scope-invalid', `the scope is longer than ${maxLength} characters`);
  const words = text.split(' ').filter((word) => word !== '');
  const asked = words.filter((word) => !oidcWords.includes(word));
  const audiences = new Set(asked.map(audienceOf));
  if (audiences.size > 1) {
    throw new OAuthRefusal('scope-invalid', 'a token is for one resource; ask for each with a request of its own');
  }
  const audience = [...audiences][0] ?? `https://graph.${domain}`;
  return {
    resource: resourceOf(audience, domain),
    audience,
    granted: words.filter((word) => word !== 'offline_access').join(' '),
    openid: words.includes('openid'),
    offline: words.includes('offline_access'),
    text: words.join(' '),
  };
}

/** The same for a request of the first protocol, which names its resource and always wants to come again. */
export function readResource(resource: string, domain: string): AskedScopes {
  const scope = `openid profile offline_access ${resource}/.default`;
  if (/\s/.test(resource) || resource.length > maxLength) throw unknownResource(resource);
  return { ...readScopes(scope, domain), text: scope };
}

function audienceOf(word: string): string {
  const slash = word.lastIndexOf('/');
  const permission = word.slice(slash + 1);
  if (slash === -1 || !wholeAccess.includes(permission)) {
    throw new OAuthRefusal(
      'scope-invalid',
      `the scope "${printable(word)}" is not known; ask for <resource>/.default, roles decide what may be done`,
    );
  }
  return word.slice(0, slash);
}

function resourceOf(audience: string, domain: string): DirectoryResource {
  const url = URL.canParse(audience) ? new URL(audience) : undefined;
  const isPlain =
    url?.protocol === 'https:' &&
    url.pathname === '/' &&
    /^https:\/\/[A-Za-z0-9.-]+(?::[0-9]{1,5})?\/?$/.test(audience);
  if (!url || !isPlain) throw unknownResource(audience);
  const host = url.hostname.toLowerCase();
  if (Object.hasOwn(knownHosts, host)) return knownHosts[host] as DirectoryResource;
  if (host === `management.${domain}`) return 'management';
  if (host === `graph.${domain}` || host === `msgraph.${domain}`) return 'graph';
  throw unknownResource(audience);
}

function unknownResource(resource: string): OAuthRefusal {
  return new OAuthRefusal(
    'resource-unknown',
    `there is no resource "${printable(resource)}" here; tokens are for the resource manager, Graph, and https://containerregistry.azure.net`,
  );
}
