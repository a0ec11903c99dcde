import { correlationHeader, isWorthKeeping, type Refusals, refusalOf } from '../../content/index.ts';
import { databaseFault, requestContext, resourceByKey } from '../../data/index.ts';
import type { Exchange } from '../../http/index.ts';
import { type Directory, type DirectoryTokens, nameOf } from '../../identity/index.ts';
import {
  type Clock,
  type Conditions,
  Fault,
  isFault,
  planeUrls,
  type ResourceId,
  requireConditions,
} from '../../kernel/index.ts';
import { type Database, DatabaseError } from '../../ports/index.ts';
import { parseApiVersion } from './api-version.ts';
import { answerOperation, operationQuestion } from './async-operations.ts';
import { authorize } from './authorize.ts';
import type { ArmContracts } from './contracts.ts';
import { armErrorOf, errorBody, faultOf, subscriptionNotFound } from './errors.ts';
import { isMetadataPath, metadataEndpoints } from './metadata.ts';
import { operationLookup } from './operation-lookup.ts';
import { type ArmAnswer, ArmError, type ResourceProvider } from './provider.ts';
import { readArmBody } from './request-body.ts';
import { scopeOfPath } from './resource-scope.ts';
import { signIn, signInChallenge } from './sign-in.ts';
import { bodyValidator } from './validate.ts';

/** What the front of the resource manager works with. */
export interface FrontOptions {
  /** Domain of the deployment, without port. */
  readonly domain: string;
  readonly subscriptionId: string;
  readonly contracts: ArmContracts;
  readonly providers: readonly ResourceProvider[];
  readonly database: Database;
  readonly directory: Directory;
  readonly tokens: DirectoryTokens;
  readonly clock: Clock;
  readonly refusals: Pick<Refusals, 'note'>;
  /** True while the process drains: running requests finish, new ones hear 503. */
  draining(): boolean;
  /** Told of every error that is not a refusal. */
  failed(exchange: Exchange, error: unknown): void;
}

const fixedHeaders = [
  'cache-control',
  'no-store',
  'x-content-type-options',
  'nosniff',
  'strict-transport-security',
  'max-age=31536000; includeSubDomains',
];

/** A client's own id of a request: echoed where it is a line that a header can hold. */
const clientIdGrammar = /^[\u0021-\u007e]{1,128}$/;

/** What is known of a request when it is refused. */
interface RequestState {
  action: string | null;
}

/**
 * The front of the resource manager. One order for every request: who, which operation, which version, may they, is the body
 * right, do it. Throws when a provider serves what the contracts do not have.
 */
export function managementFront(options: FrontOptions): (exchange: Exchange) => Promise<void> {
  const { contracts, database, directory, domain } = options;
  const lookUp = operationLookup(contracts, options.providers);
  const validate = bodyValidator(contracts);

  const answer = async (exchange: Exchange, state: RequestState): Promise<ArmAnswer> => {
    if (options.draining()) throw new Fault('unavailable', 'Berth is shutting down; try again in a moment');
    const urls = planeUrls(domain, exchange.host);
    if (isMetadataPath(exchange.path)) return metadata(exchange, urls);
    const subject = await signIn(exchange, options);
    exchange.facts.actor = nameOf(subject);
    const question = operationQuestion(exchange.path);
    if (question !== undefined && exchange.method === 'GET') {
      exchange.facts.operation = `arm.operation-${question.form}`;
      parseApiVersion(exchange.query);
      return answerOperation(database, question, { subject, self: `${urls.management}${exchange.target}` });
    }
    const { operation, handler, parameters, segments } = lookUp(exchange.method, exchange.path);
    exchange.facts.operation = `${operation.namespace}/${operation.id}`;
    const apiVersion = parseApiVersion(exchange.query);
    const scope = scopeOfPath(segments);
    if (scope === undefined)
      throw new ArmError(400, 'InvalidResourceId', 'The path holds a name that nothing can have.');
    exchange.facts.reference = scope.text;
    exchange.facts.registry = registryOf(scope);
    state.action = handler.action;
    const principal = await directory.principalAt(subject, scope.key);
    authorize({ subject, principal, scope }, handler.action);
    if (scope.subscriptionId !== null && scope.subscriptionId.toLowerCase() !== options.subscriptionId) {
      throw subscriptionNotFound(scope.subscriptionId);
    }
    const body = takesBody.has(exchange.method) ? await readArmBody(exchange, operation, validate) : {};
    const conditions = conditionsOf(exchange);
    if (conditions.ifMatch !== null || conditions.ifNoneMatch !== null) {
      // A look before the work; the provider's transaction is what holds against others.
      const row = await database.first(resourceByKey, { key: scope.key });
      if (row !== undefined) requireConditions(conditions, row.etag);
    }
    return handler.run({
      exchange,
      operationId: operation.id,
      parameters,
      scope,
      apiVersion,
      body,
      subject,
      principal,
      conditions,
      context: requestContext(exchange, nameOf(subject)),
      urls,
    });
  };

  const metadata = (exchange: Exchange, urls: ReturnType<typeof planeUrls>): ArmAnswer => {
    exchange.facts.operation = 'arm.metadata';
    if (exchange.method !== 'GET' && exchange.method !== 'HEAD') {
      throw new ArmError(405, 'HttpMethodNotAllowed', `${exchange.method} is not served at this path; there is GET.`);
    }
    return { status: 200, body: metadataEndpoints(exchange.query, urls, domain) };
  };

  const refuse = (exchange: Exchange, state: RequestState, thrown: unknown): void => {
    const error = databaseFault(thrown);
    const isRefusal = error instanceof ArmError || isFault(error);
    if (!isRefusal || error.cause instanceof DatabaseError) options.failed(exchange, error);
    if (exchange.response.headersSent || exchange.response.destroyed) {
      exchange.response.destroy();
      return;
    }
    if (!isRefusal) {
      exchange.facts.error = 'internal';
      const message = `Internal error; the operator finds it under ${exchange.requestId}.`;
      respond(exchange, {
        status: 500,
        body: errorBody(new ArmError(500, 'InternalServerError', message)),
      });
      return;
    }
    const fault = error instanceof ArmError ? faultOf(error) : error;
    const told = error instanceof ArmError ? error : armErrorOf(error);
    const headers: Record<string, string> = {};
    if (told.status === 401) {
      const urls = planeUrls(domain, exchange.host);
      headers['www-authenticate'] = signInChallenge(urls, options.tokens.tenantId, told.message);
    }
    if (told.status === 503 || told.status === 429) headers['retry-after'] = '5';
    exchange.facts.error = told.code;
    const refusal = refusalOf(exchange, fault, {
      wanted: state.action === null ? [] : [state.action],
      takesForm: false,
      status: told.status,
      at: options.clock.now(),
    });
    exchange.facts.rule = refusal.rule;
    options.refusals.note(refusal, isWorthKeeping(fault, refusal));
    respond(exchange, { status: told.status, body: errorBody(told), headers });
  };

  return async (exchange) => {
    exchange.always = alwaysOf(exchange);
    const state: RequestState = { action: null };
    try {
      respond(exchange, await answer(exchange, state));
    } catch (error) {
      refuse(exchange, state, error);
    }
  };
}

/** The registry that a scope is or stands in, by which operators look for what was refused; empty for none. */
function registryOf({ provider }: ResourceId): string {
  const isRegistry =
    provider?.namespace.toLowerCase() === 'microsoft.containerregistry' &&
    provider.types[0].toLowerCase() === 'registries';
  return isRegistry ? provider.names[0].toLowerCase() : '';
}

const takesBody = new Set(['PUT', 'PATCH', 'POST', 'DELETE']);

function respond(exchange: Exchange, answer: ArmAnswer): void {
  const { status, body, headers = {} } = answer;
  // An answer to HEAD has no body, and says of none how long it would be (AZ-WIRE T-ARM-12).
  if (body === undefined || exchange.method === 'HEAD') exchange.send(status, headers);
  else exchange.sendJson(status, body, headers);
}

function alwaysOf(exchange: Exchange): string[] {
  const { requestId } = exchange;
  const always = [correlationHeader, requestId, 'x-ms-request-id', requestId, ...fixedHeaders];
  const clientId = exchange.header('x-ms-client-request-id');
  if (clientId !== undefined && clientIdGrammar.test(clientId)) always.push('x-ms-client-request-id', clientId);
  return always;
}

function conditionsOf(exchange: Exchange): Conditions {
  return { ifMatch: exchange.header('if-match') ?? null, ifNoneMatch: exchange.header('if-none-match') ?? null };
}
