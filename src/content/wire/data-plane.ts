import { databaseFault, requestContext } from '../../data/index.ts';
import { compileRoutes, type Exchange, type RouteParameters } from '../../http/index.ts';
import { type DataWanted, decide, explainDenial, type RegistryAccess } from '../../identity/index.ts';
import { Fault, isFault, parseAuthorization, parseRepositoryName, type RepositoryName } from '../../kernel/index.ts';
import { BlobStoreError, DatabaseError } from '../../ports/index.ts';
import { isWorthKeeping } from '../refusal.ts';
import type { Registry } from '../registries.ts';
import type { DataPlaneServices } from './call.ts';
import { challenge, scopeOf, unauthorizedDetail } from './challenge.ts';
import { correlationHeader, fixedHeaders } from './common-headers.ts';
import { errorBody, wireErrors } from './errors.ts';
import { registryHandlers, repositoryHandlers, tokenHandlers } from './handlers.ts';
import type { KeptAnswer } from './kept-answers.ts';
import { refuseLaterFeature } from './later-features.ts';
import { refusalOf, wantedOf } from './refusal-record.ts';
import { type DataRoute, dataRoutes } from './routes.ts';
import { progressHeaders } from './v2/uploads.ts';

/** How the plane finds the registry that a request is for. `canonical` is its login server, the audience of its tokens. */
export interface RegistryDoor {
  /** The registry behind a listener and a host; undefined when none answers there. */
  find(exchange: Exchange): Promise<Registry | undefined>;
  canonical(registry: Registry): string;
}

export interface DataPlaneOptions {
  readonly door: RegistryDoor;
  readonly services: DataPlaneServices;
  /** True while the process drains: running requests finish, new ones hear 503. */
  draining(): boolean;
  /** Told of every error that is not a refusal. */
  failed(exchange: Exchange, error: unknown): void;
}

const match = compileRoutes(dataRoutes);

/**
 * The data plane of all registries. One order for every request: registry by host, route, identity, decision, handler. The
 * decision needs nothing from the repository, so that what is not yours and what is not there look alike.
 */
export function dataPlane(options: DataPlaneOptions): (exchange: Exchange) => Promise<void> | undefined {
  const { answers, pulls, rates } = options.services;
  return (exchange) => {
    const kept = options.draining() ? undefined : answers.find(exchange);
    if (kept === undefined || !rates.admits(kept.registry, kept.route, exchange.method, kept.facts.actor)) {
      return answerInFull(options, exchange);
    }
    answerAgain(exchange, kept);
    if (kept.pulled !== null) pulls.note(kept.pulled);
    return undefined;
  };
}

/** Gives an answer that was given before, under the id of this request. */
function answerAgain(exchange: Exchange, kept: KeptAnswer): void {
  Object.assign(exchange.facts, kept.facts);
  exchange.sendLines(kept.status, [correlationHeader, exchange.requestId, ...kept.lines], kept.body);
}

async function answerInFull(options: DataPlaneOptions, exchange: Exchange): Promise<void> {
  exchange.always = [correlationHeader, exchange.requestId, ...fixedHeaders(exchange)];
  const state: RequestState = { registry: null, route: null, repository: null };
  try {
    await answer(options, exchange, state);
  } catch (error) {
    refuse(options, exchange, state, translate(error));
  }
}

/** What is known of a request when it is refused. */
interface RequestState {
  registry: Registry | null;
  route: DataRoute | null;
  repository: string | null;
}

async function answer(options: DataPlaneOptions, exchange: Exchange, state: RequestState): Promise<void> {
  const { services, door } = options;
  const begun = services.answers.generation();
  if (options.draining()) throw new Fault('unavailable', 'the registry is shutting down; try again in a moment');
  const registry = await door.find(exchange);
  if (!registry) throw new Fault('not-found', `no registry answers to "${exchange.host}"`);
  state.registry = registry;
  exchange.facts.registry = registry.name;
  const matched = match(exchange.method, exchange.path);
  if (matched.kind !== 'match') refuseLaterFeature(exchange.path);
  if (matched.kind === 'none') throw new Fault('not-found', 'there is nothing at this path');
  if (matched.kind === 'method') {
    exchange.always = [...exchange.always, 'allow', matched.allowed.join(', ')];
    throw new Fault(
      'unsupported',
      `${exchange.method} is not served at this path; there are ${matched.allowed.join(', ')}`,
    );
  }
  const { route, parameters } = matched;
  state.route = route;
  exchange.facts.operation = route.id;
  const access: RegistryAccess = {
    id: registry.id,
    name: registry.name,
    audience: door.canonical(registry),
    adminEnabled: registry.adminEnabled,
    anonymousPull: registry.anonymousPull,
    resourceKey: registry.resourceKey,
    roleMode: registry.roleMode,
    armTokens: registry.armTokens,
  };
  if (route.id === 'oauth2.token' || route.id === 'oauth2.exchange') {
    services.rates.take(registry, route.id, exchange.method, null);
    await tokenHandlers[route.id]({ exchange, services, access });
    return;
  }
  const repository = repositoryOf(route, parameters, state, exchange);
  const principal = await services.authenticator.authenticate(
    parseAuthorization(exchange.header('authorization')),
    access,
  );
  exchange.facts.actor = principal.name;
  services.rates.take(registry, route.id, exchange.method, principal.name);
  const wanted = wantedBy(route, repository);
  const decision = decide(principal, wanted, registry.id);
  if (!decision.allowed || (route.access.kind === 'signed-in' && principal.kind === 'anonymous')) {
    throw new Fault(principal.kind === 'anonymous' ? 'unauthenticated' : 'denied', 'authentication required', {
      operator: explainDenial(principal, wanted, access),
    });
  }
  const call = {
    exchange,
    services,
    parameters,
    registry,
    access,
    decision,
    principal,
    begun,
    context: requestContext(exchange, principal.name),
  };
  if (route.id === 'v2.base' || route.id === 'v2.catalog' || route.id === 'acr.catalog')
    await registryHandlers[route.id](call);
  else await repositoryHandlers[route.id]({ ...call, repository: repository as RepositoryName });
}

function repositoryOf(
  route: DataRoute,
  parameters: RouteParameters,
  state: RequestState,
  exchange: Exchange,
): RepositoryName | null {
  if (route.access.kind !== 'repository') return null;
  const name = parameters['name'] ?? '';
  if (name.startsWith('_') || name.includes('/_')) refuseLaterFeature(exchange.path);
  const repository = parseRepositoryName(name);
  state.repository = repository;
  exchange.facts.repository = repository;
  exchange.facts.reference = parameters['reference'] ?? parameters['digest'] ?? parameters['tag'] ?? '';
  return repository;
}

function wantedBy(route: DataRoute, repository: RepositoryName | null): DataWanted[] {
  if (route.access.kind === 'catalog') return [{ action: 'catalog/read' }];
  return route.access.kind === 'repository' && repository !== null ? [{ action: route.access.action, repository }] : [];
}

/** Port errors become refusals where the caller can act on them; everything else stays a bug. */
function translate(error: unknown): unknown {
  if (error instanceof BlobStoreError && error.kind === 'full') {
    return new Fault('storage-full', 'there is no space left; reading goes on', { cause: error });
  }
  return databaseFault(error);
}

function refuse(options: DataPlaneOptions, exchange: Exchange, state: RequestState, error: unknown): void {
  const { response } = exchange;
  if (!isFault(error) || error.cause instanceof BlobStoreError || error.cause instanceof DatabaseError)
    options.failed(exchange, error);
  if (response.headersSent || response.destroyed) {
    // The answer is on its way: only a broken connection can still tell the client that it is not whole.
    response.destroy();
    return;
  }
  if (!isFault(error)) {
    exchange.facts.error = 'internal';
    const message = `internal error; the operator finds it under ${exchange.requestId}`;
    exchange.sendJson(500, { errors: [{ code: 'UNKNOWN', message, detail: null }] });
    return;
  }
  exchange.facts.error = error.code;
  const { route, registry, repository } = state;
  const oauth = route?.access.kind === 'token-endpoint';
  const headers: Record<string, string> = {};
  let detail: unknown;
  if ((error.code === 'unauthenticated' || error.code === 'denied') && route && registry) {
    const presented = exchange.header('authorization') !== undefined;
    const problem = presented ? (error.code === 'denied' ? 'insufficient_scope' : 'invalid_token') : null;
    // az splits the challenge of /v2/ at every comma and equal sign, so it stays bare there.
    const bare = route.access.kind === 'signed-in' || oauth;
    headers['www-authenticate'] = challenge(
      exchange,
      options.door.canonical(registry),
      scopeOf(route.access, repository),
      bare ? null : problem,
    );
    detail = unauthorizedDetail(route.access, repository);
  }
  if (error.code === 'upload-range' && repository !== null) {
    const received = Number(error.detail?.['received'] ?? 0);
    Object.assign(
      headers,
      progressHeaders(repository, exchange.path.split('/').findLast((part) => part !== '') ?? '', received),
    );
  }
  if (error.code === 'unavailable' || error.code === 'too-many-requests') {
    headers['retry-after'] = String(Number(error.detail?.['retryAfterSeconds'] ?? 5));
  }
  // An unknown grant is a bad request there (RFC 6749 §5.2); 405 would speak of the method.
  const status = oauth && error.code === 'unsupported' ? 400 : wireErrors[error.code].status;
  const refusal = refusalOf(exchange, error, {
    wanted: route === null ? [] : wantedOf(route),
    takesForm: oauth,
    status,
    at: options.services.clock.now(),
  });
  exchange.facts.rule = refusal.rule;
  options.services.refusals.note(refusal, isWorthKeeping(error, refusal));
  exchange.sendJson(status, errorBody(error, { oauth, requestId: exchange.requestId, detail }), headers);
}
