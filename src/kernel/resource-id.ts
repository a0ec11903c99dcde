/**
 * A resource id of Azure Resource Manager, taken apart. Ids compare without regard to case; `key` is the form to compare
 * and to store, `text` keeps the spelling for answers.
 */
export interface ResourceId {
  /** As it was spelled, with single slashes and none at the end; `/` is the root. */
  readonly text: string;
  /** The same in lower case. */
  readonly key: string;
  readonly subscriptionId: string | null;
  readonly resourceGroup: string | null;
  /** The innermost provider with the types and names below it; null for a subscription, a group and the root. */
  readonly provider: ResourceOfProvider | null;
}

/** `Microsoft.ContainerRegistry` with `['registries', 'webhooks']` and `['one', 'hook']`. */
export interface ResourceOfProvider {
  readonly namespace: string;
  readonly types: readonly [string, ...string[]];
  readonly names: readonly [string, ...string[]];
}

const maxIdLength = 2048;
const segmentGrammar = /^[A-Za-z0-9._()@-][A-Za-z0-9._()@ -]{0,259}$/;

/**
 * Parses a resource id or a scope: the root, a subscription, a resource group, a resource, or what stands below one.
 * Undefined for anything else. Duplicate and trailing slashes fold away (AZ-WIRE T-CLD-1).
 */
export function parseResourceId(text: string): ResourceId | undefined {
  if (!text.startsWith('/') || text.length > maxIdLength) return undefined;
  const segments = text.split('/').filter((segment) => segment !== '');
  if (!segments.every((segment) => segmentGrammar.test(segment) && segment !== '.' && segment !== '..'))
    return undefined;
  const rest = [...segments];
  const subscriptionId = takeNamed(rest, 'subscriptions');
  const resourceGroup = subscriptionId === null ? null : takeNamed(rest, 'resourcegroups');
  let provider: ResourceOfProvider | null = null;
  while (rest.length > 0) {
    const taken = takeProvider(rest);
    if (taken === undefined) return undefined;
    provider = taken;
  }
  const joined = `/${segments.join('/')}`;
  return { text: joined, key: joined.toLowerCase(), subscriptionId, resourceGroup, provider };
}

function takeNamed(rest: string[], literal: string): string | null {
  if (rest[0]?.toLowerCase() !== literal || rest[1] === undefined) return null;
  return rest.splice(0, 2)[1] as string;
}

/**
 * Takes one `providers/<namespace>` with the types and names up to the next one. Where it stands tells what a word is: a
 * resource may be named `providers`.
 */
function takeProvider(rest: string[]): ResourceOfProvider | undefined {
  if (rest[0]?.toLowerCase() !== 'providers') return undefined;
  let next = 2;
  while (next < rest.length && rest[next]?.toLowerCase() !== 'providers') next += 2;
  const [, namespace, ...pairs] = rest.splice(0, next);
  if (namespace === undefined || pairs.length === 0 || pairs.length % 2 !== 0) return undefined;
  const types = pairs.filter((_, index) => index % 2 === 0) as [string, ...string[]];
  const names = pairs.filter((_, index) => index % 2 === 1) as [string, ...string[]];
  return { namespace, types, names };
}

/** The scopes at which a right counts for `key`: the root, each ancestor, itself; widest first. */
export function scopesAbove(key: string): string[] {
  const scopes = ['/'];
  const id = key === '/' ? undefined : parseResourceId(key);
  if (!id) return scopes;
  const segments = id.key.split('/').slice(1);
  // Subscription, group, then each pair of type and name below a provider.
  for (let end = 2; end <= segments.length; end += 2) {
    const scope = `/${segments.slice(0, end).join('/')}`;
    if (parseResourceId(scope) !== undefined) scopes.push(scope);
  }
  return scopes;
}

/** True when `key` is `scope` or stands below it. Both are keys. */
export function isWithin(key: string, scope: string): boolean {
  return scope === '/' || key === scope || key.startsWith(`${scope}/`);
}
