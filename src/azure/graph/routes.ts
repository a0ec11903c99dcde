import type { RoutePattern } from '../../http/index.ts';

/**
 * What a request asks of whom. `user`: any user, and who manages the directory; `anyone`: service principals as well, since it
 * names what it wants by its id; `self`: everybody about themselves; `manage`: who may write role assignments at the
 * subscription.
 */
export type GraphRight = 'user' | 'anyone' | 'self' | 'manage';

interface GraphRoutePattern extends RoutePattern {
  readonly right: GraphRight;
}

const v1 = '/v1.0';

/** Every route of the Graph plane (AZ-WIRE §8.2). The authorization matrix of the tests is made from it. */
const table = [
  { id: 'me.get', methods: ['GET'], pattern: `${v1}/me`, right: 'self' },
  { id: 'organization.list', methods: ['GET'], pattern: `${v1}/organization`, right: 'anyone' },
  { id: 'users.list', methods: ['GET'], pattern: `${v1}/users`, right: 'user' },
  { id: 'users.get', methods: ['GET'], pattern: `${v1}/users/{id}`, right: 'user' },
  { id: 'groups.list', methods: ['GET'], pattern: `${v1}/groups`, right: 'user' },
  { id: 'groups.get', methods: ['GET'], pattern: `${v1}/groups/{id}`, right: 'user' },
  { id: 'applications.list', methods: ['GET'], pattern: `${v1}/applications`, right: 'anyone' },
  { id: 'applications.create', methods: ['POST'], pattern: `${v1}/applications`, right: 'manage' },
  { id: 'applications.get', methods: ['GET'], pattern: `${v1}/applications/{id}`, right: 'anyone' },
  { id: 'applications.update', methods: ['PATCH'], pattern: `${v1}/applications/{id}`, right: 'manage' },
  { id: 'applications.delete', methods: ['DELETE'], pattern: `${v1}/applications/{id}`, right: 'manage' },
  { id: 'applications.owners', methods: ['GET'], pattern: `${v1}/applications/{id}/owners`, right: 'user' },
  {
    id: 'applications.addPassword',
    methods: ['POST'],
    pattern: `${v1}/applications/{id}/addPassword`,
    right: 'manage',
  },
  {
    id: 'applications.removePassword',
    methods: ['POST'],
    pattern: `${v1}/applications/{id}/removePassword`,
    right: 'manage',
  },
  { id: 'servicePrincipals.list', methods: ['GET'], pattern: `${v1}/servicePrincipals`, right: 'anyone' },
  { id: 'servicePrincipals.create', methods: ['POST'], pattern: `${v1}/servicePrincipals`, right: 'manage' },
  { id: 'servicePrincipals.get', methods: ['GET'], pattern: `${v1}/servicePrincipals/{id}`, right: 'anyone' },
  { id: 'servicePrincipals.update', methods: ['PATCH'], pattern: `${v1}/servicePrincipals/{id}`, right: 'manage' },
  { id: 'servicePrincipals.delete', methods: ['DELETE'], pattern: `${v1}/servicePrincipals/{id}`, right: 'manage' },
  { id: 'servicePrincipals.owners', methods: ['GET'], pattern: `${v1}/servicePrincipals/{id}/owners`, right: 'user' },
  {
    id: 'servicePrincipals.addPassword',
    methods: ['POST'],
    pattern: `${v1}/servicePrincipals/{id}/addPassword`,
    right: 'manage',
  },
  {
    id: 'servicePrincipals.removePassword',
    methods: ['POST'],
    pattern: `${v1}/servicePrincipals/{id}/removePassword`,
    right: 'manage',
  },
  { id: 'directoryObjects.getByIds', methods: ['POST'], pattern: `${v1}/directoryObjects/getByIds`, right: 'anyone' },
  {
    id: 'directoryObjects.memberGroups',
    methods: ['POST'],
    pattern: `${v1}/directoryObjects/{id}/getMemberGroups`,
    right: 'anyone',
  },
  {
    id: 'directoryObjects.memberObjects',
    methods: ['POST'],
    pattern: `${v1}/directoryObjects/{id}/getMemberObjects`,
    right: 'anyone',
  },
] as const satisfies readonly GraphRoutePattern[];

/** Identifiers of all routes; the table of handlers is total over them. */
export type GraphRouteId = (typeof table)[number]['id'];

export interface GraphRoute extends GraphRoutePattern {
  readonly id: GraphRouteId;
}

export const graphRoutes: readonly GraphRoute[] = table;
