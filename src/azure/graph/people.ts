import type { Person } from '../../identity/index.ts';
import { member } from '../../kernel/index.ts';
import { badBody, bodyOf, type GraphCall, onlyMembers } from './call.ts';
import { look } from './condition-lists.ts';
import { GraphError, notFound } from './errors.ts';
import type { Condition } from './filter.ts';
import { unsupported } from './filter.ts';
import { isGuid } from './guid.ts';
import { listQueryOf, sendList, sendObject } from './lists.ts';
import { wireServicePrincipal, wireUser } from './wire.ts';

/** `GET /me`: the user who asks. */
export async function getMe({ exchange, services, subject }: GraphCall): Promise<void> {
  if (subject.kind !== 'user') {
    throw new GraphError(
      400,
      'BadRequest',
      '/me is a user; a service principal finds itself at /servicePrincipals by its id',
    );
  }
  const person = await services.people.byId(subject.objectId);
  if (!person) throw notFound(subject.objectId);
  sendObject(exchange, 200, wireUser(person));
}

/** Users that one page reads at most, to find those whose display name a filter wants. */
const mostRead = 10_000;

/** `GET /users`. Names are looked up; display names are found by reading all. */
export async function listUsers({ exchange, services }: GraphCall): Promise<void> {
  const query = listQueryOf(exchange);
  const byPrincipalName = principalNameBegins(query.conditions);
  const looked = byPrincipalName
    ? ({ kind: 'by-name', filter: { kind: 'all' } } as const)
    : await look<Person>(query.conditions, {
        one: {
          userprincipalname: async (text) => services.people.byName(text),
          // Users have no address for mail here.
          mail: async () => undefined,
          id: async (text) => (isGuid(text) ? services.people.byId(text) : undefined),
        },
        containing: {},
        idOf: (one) => one.objectId,
      });
  if (looked.kind === 'each') return sendList(exchange, looked.found.map(wireUser), null);
  const { filter } = looked;
  const wanted = (person: Person): boolean => {
    if (byPrincipalName) return begins(person.name, byPrincipalName.text);
    if (filter.kind === 'all') return true;
    if (filter.kind === 'begins') return begins(person.displayName, filter.text);
    return person.displayName.toLowerCase() === filter.text.toLowerCase();
  };
  const found: Person[] = [];
  let last = query.last?.name ?? '';
  for (let read = 0; found.length <= query.limit; ) {
    const page = await services.people.list({ last, limit: 200 });
    const final = page.at(-1);
    if (final === undefined) break;
    read += page.length;
    if (read > mostRead) throw unsupported('a display name among so many users');
    found.push(...page.filter(wanted));
    last = final.name;
  }
  const shown = found.slice(0, query.limit);
  const final = found.length > query.limit ? shown.at(-1) : undefined;
  sendList(exchange, shown.map(wireUser), final ? { name: final.name, id: final.objectId } : null);
}

function principalNameBegins(conditions: readonly Condition[]): Condition | undefined {
  const [first, ...more] = conditions;
  const is = first?.operator === 'begins' && first.property.toLowerCase() === 'userprincipalname' && more.length === 0;
  return is ? first : undefined;
}

function begins(text: string, prefix: string): boolean {
  return text.toLowerCase().startsWith(prefix.toLowerCase());
}

/** `GET /users/{id or user principal name}`. */
export async function getUser({ exchange, services, parameters }: GraphCall): Promise<void> {
  const id = parameters['id'] ?? '';
  const person = isGuid(id) ? await services.people.byId(id) : await byName(id);
  if (!person) throw notFound(id);
  sendObject(exchange, 200, wireUser(person));

  function byName(name: string): Promise<Person | undefined> | undefined {
    return /\p{Cc}/u.test(name) ? undefined : services.people.byName(name);
  }
}

/** `GET /groups`: there are none in this version. */
export async function listGroups({ exchange }: GraphCall): Promise<void> {
  listQueryOf(exchange);
  sendList(exchange, [], null);
}

/** `GET /groups/{id}`. */
export async function getGroup({ parameters }: GraphCall): Promise<void> {
  throw notFound(parameters['id'] ?? '');
}

/** `GET /organization`: the one tenant. */
export async function listOrganizations({ exchange, services }: GraphCall): Promise<void> {
  const { tenantId, domain } = services;
  const verified = { capabilities: 'Email', isDefault: true, isInitial: true, name: domain, type: 'Managed' };
  sendList(
    exchange,
    [
      {
        '@odata.type': '#microsoft.graph.organization',
        id: tenantId,
        displayName: 'Berth',
        verifiedDomains: [verified],
      },
    ],
    null,
  );
}

const maxIds = 1000;
const typeNames = new Set([
  'user',
  'group',
  'serviceprincipal',
  'application',
  'device',
  'directoryobject',
  'directoryobjectpartnerreference',
]);

/**
 * `POST /directoryObjects/getByIds`: names for ids, as lists of role assignments ask. What is not there is left out, and
 * users are told to users only.
 */
export async function getByIds({ exchange, services, looksAround }: GraphCall): Promise<void> {
  const body = onlyMembers(await bodyOf(exchange), ['ids', 'types']);
  const ids = textsIn(body, 'ids').filter(isGuid);
  const types = textsIn(body, 'types').map((type) => type.toLowerCase());
  const unknown = types.find((type) => !typeNames.has(type));
  if (unknown !== undefined) throw badBody(`"types" names what is not known here: ${unknown.slice(0, 60)}`);
  const wants = (type: string): boolean =>
    types.length === 0 || types.includes(type) || types.includes('directoryobject');
  const found: Record<string, unknown>[] = [];
  for (const id of new Set(ids.map((one) => one.toLowerCase()))) {
    const person = wants('user') && looksAround ? await services.people.byId(id) : undefined;
    const principal = person || !wants('serviceprincipal') ? undefined : await services.applications.principalById(id);
    if (person) found.push(wireUser(person));
    if (principal) found.push(wireServicePrincipal(principal, services.tenantId));
  }
  sendList(exchange, found, null);
}

function textsIn(body: Awaited<ReturnType<typeof bodyOf>>, name: string): string[] {
  const value = member(body, name) ?? [];
  if (!Array.isArray(value) || value.length > maxIds || !value.every((one) => typeof one === 'string')) {
    throw badBody(`"${name}" is not a list of at most ${maxIds} texts`);
  }
  return value;
}

/**
 * `POST /directoryObjects/{id}/getMemberGroups` and `…/getMemberObjects`: nobody is in a group, since there are none. Whether
 * a user is there is told to users only.
 */
export async function getMemberGroups({ exchange, services, parameters, looksAround }: GraphCall): Promise<void> {
  onlyMembers(await bodyOf(exchange), ['securityEnabledOnly']);
  const id = parameters['id'] ?? '';
  if (!isGuid(id)) throw notFound(id);
  const person = looksAround ? await services.people.byId(id) : undefined;
  if (!(person ?? (await services.applications.principalById(id)))) throw notFound(id);
  sendList(exchange, [], null);
}
