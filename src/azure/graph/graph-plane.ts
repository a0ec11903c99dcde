import { correlationHeader, isWorthKeeping, type Refusals, refusalOf } from '../../content/index.ts';
import { databaseFault } from '../../data/index.ts';
import { compileRoutes, type Exchange } from '../../http/index.ts';
import {
  type Applications,
  type Directory,
  type DirectoryTokens,
  decide,
  nameOf,
  type People,
  type Principal,
} from '../../identity/index.ts';
import { type Clock, Fault, isFault, operatorOnly, parseAuthorization } from '../../kernel/index.ts';
import * as applications from './applications.ts';
import type { GraphCall, GraphServices } from './call.ts';
import { errorBody, faultOf, GraphError, graphErrorOf } from './errors.ts';
import * as people from './people.ts';
import { type GraphRoute, type GraphRouteId, graphRoutes } from './routes.ts';
import * as principals from './service-principals.ts';

/** What the Graph plane works with. */
export interface GraphOptions {
  readonly directory: Directory;
  readonly tokens: DirectoryTokens;
  readonly applications: Applications;
  readonly people: People;
  readonly clock: Clock;
  readonly subscriptionId: string;
  readonly domain: string;
  readonly refusals: Pick<Refusals, 'note'>;
  /** True while the process drains: running requests finish, new ones hear 503. */
  draining(): boolean;
  /** Told of every error that is not a refusal. */
  failed(exchange: Exchange, error: unknown): void;
}

const handlers: Readonly<Record<GraphRouteId, (call: GraphCall) => Promise<void>>> = {
  'me.get': people.getMe,
  'organization.list': people.listOrganizations,
  'users.list': people.listUsers,
  'users.get': people.getUser,
  'groups.list': people.listGroups,
  'groups.get': people.getGroup,
  'applications.list': applications.listApplications,
  'applications.create': applications.createApplication,
  'applications.get': applications.getApplication,
  'applications.update': applications.updateApplication,
  'applications.delete': applications.deleteApplication,
  'applications.owners': applications.listOwners,
  'applications.addPassword': applications.addPassword,
  'applications.removePassword': applications.removePassword,
  'servicePrincipals.list': principals.listServicePrincipals,
  'servicePrincipals.create': principals.createServicePrincipal,
  'servicePrincipals.get': principals.getServicePrincipal,
  'servicePrincipals.update': principals.updateServicePrincipal,
  'servicePrincipals.delete': principals.deleteServicePrincipal,
  'servicePrincipals.owners': principals.listOwners,
  'servicePrincipals.addPassword': principals.addPassword,
  'servicePrincipals.removePassword': principals.removePassword,
  'directoryObjects.getByIds': people.getByIds,
  'directoryObjects.memberGroups': people.getMemberGroups,
  'directoryObjects.memberObjects': people.getMemberGroups,
};

/**
 * Microsoft Graph as far as `az ad` and role assignments ask it. One order for every request: route, identity, decision,
 * handler. Who manages the directory is who may write role assignments at the subscription: a secret of any application
 * gives its roles, so the two rights are one.
 */
export function graphPlane(options: GraphOptions): (exchange: Exchange) => Promise<void> {
  const match = compileRoutes(graphRoutes);
  return async (exchange) => {
    const { requestId } = exchange;
    exchange.always = ['request-id', requestId, correlationHeader, requestId, ...fixedHeaders];
    try {
      await answer(options, exchange, match);
    } catch (error) {
      refuse(options, exchange, error);
    }
  };
}

const fixedHeaders = ['strict-transport-security', 'max-age=31536000', 'x-content-type-options', 'nosniff'];

async function answer(
  options: GraphOptions,
  exchange: Exchange,
  match: ReturnType<typeof compileRoutes<GraphRoute>>,
): Promise<void> {
  if (options.draining()) throw new Fault('unavailable', 'the server is shutting down; try again in a moment');
  const matched = match(exchange.method, exchange.path);
  if (matched.kind === 'none') {
    const what = exchange.path.startsWith('/v1.0') ? 'this path' : 'this path; requests begin with /v1.0';
    throw new GraphError(404, 'BadRequest', `there is nothing of this version of Berth at ${what}`);
  }
  if (matched.kind === 'method') {
    exchange.always = [...exchange.always, 'allow', matched.allowed.join(', ')];
    throw new GraphError(405, 'Request_BadRequest', `${exchange.method} is not there yet at this path`);
  }
  const { route, parameters } = matched;
  exchange.facts.operation = `graph.${route.id}`;
  const credential = parseAuthorization(exchange.header('authorization'));
  if (credential.scheme !== 'bearer') {
    throw new Fault('unauthenticated', 'Access token is empty: Graph takes a bearer token of the identity provider', {
      operator: operatorOnly({
        rule: credential.scheme === 'none' ? 'credential-missing' : 'credential-unusable',
        because: 'the directory answers nobody without an access token of the identity provider',
        cure: 'az login',
      }),
    });
  }
  const subject = await options.directory.subjectOf(await options.tokens.verify(credential.token, ['graph']));
  exchange.facts.actor = nameOf(subject);
  const principal = await options.directory.principalAt(subject, scopeOf(options));
  const managing = manages(principal, scopeOf(options));
  const looksAround = managing || subject.kind === 'user';
  if (!allows(route, { managing, looksAround })) throw missingRole(options, principal, route);
  const services: GraphServices = {
    applications: options.applications,
    people: options.people,
    tenantId: options.tokens.tenantId,
    domain: options.domain,
  };
  await handlers[route.id]({ exchange, services, parameters, subject, looksAround });
}

function allows({ right }: GraphRoute, who: { managing: boolean; looksAround: boolean }): boolean {
  switch (right) {
    case 'manage':
      return who.managing;
    case 'user':
      return who.looksAround;
    case 'anyone':
    case 'self':
      return true;
    default:
      return right satisfies never;
  }
}

function missingRole(options: GraphOptions, principal: Principal, route: GraphRoute): Fault {
  const scope = scopeOf(options);
  const message =
    route.right === 'manage'
      ? 'Insufficient privileges: changing the directory needs Owner or User Access Administrator at the subscription'
      : 'Insufficient privileges: this is for users, and for service principals with Owner or User Access Administrator at the subscription';
  const type = principal.kind === 'user' ? 'User' : 'ServicePrincipal';
  return new Fault('denied', message, {
    operator: operatorOnly({
      rule: 'role-missing',
      because: `no role of ${principal.name} at ${scope} may write role assignments, which is who manages the directory`,
      cure: `az role assignment create --assignee-object-id ${principal.objectId} --assignee-principal-type ${type} --role 'User Access Administrator' --scope ${scope}`,
    }),
  });
}

function scopeOf({ subscriptionId }: GraphOptions): string {
  return `/subscriptions/${subscriptionId.toLowerCase()}`;
}

function manages(principal: Principal, scope: string): boolean {
  return decide(principal, [{ action: 'Microsoft.Authorization/roleAssignments/write', scope }], null).allowed;
}

function refuse(options: GraphOptions, exchange: Exchange, thrown: unknown): void {
  const { response, requestId } = exchange;
  const error = translated(thrown);
  if (!(thrown instanceof GraphError) && !isFault(thrown)) options.failed(exchange, thrown);
  if (response.headersSent || response.destroyed) {
    // The answer is on its way: only a broken connection can still tell the client that it is not whole.
    response.destroy();
    return;
  }
  exchange.facts.error = isFault(thrown) ? thrown.code : error.code;
  if (isFault(thrown) || thrown instanceof GraphError) {
    const fault = isFault(thrown) ? thrown : faultOf(thrown);
    const at = options.clock.now();
    const refusal = refusalOf(exchange, fault, { wanted: [], takesForm: false, status: error.status, at });
    exchange.facts.rule = refusal.rule;
    options.refusals.note(refusal, isWorthKeeping(fault, refusal));
  }
  const headers: Record<string, string> = {};
  if (error.status === 401) headers['www-authenticate'] = 'Bearer realm="", error="invalid_token"';
  if (error.status === 503 || error.status === 429) headers['retry-after'] = '5';
  exchange.sendJson(error.status, errorBody(error, { requestId, at: options.clock.now() }), headers);
}

function translated(error: unknown): GraphError {
  if (error instanceof GraphError) return error;
  const known = databaseFault(error);
  if (isFault(known)) return graphErrorOf(known);
  return new GraphError(500, 'InternalServerError', 'internal error; the operator finds it under the request id');
}
