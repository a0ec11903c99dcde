import type { Refusals, Registries, Registry } from '../content/index.ts';
import { type RequestContext, requestContext } from '../data/index.ts';
import { compileRoutes, type Exchange, type RouteParameters } from '../http/index.ts';
import type { Credentials } from '../identity/index.ts';
import { Fault, isFault, type RegistryTier, registryTiers } from '../kernel/index.ts';
import type { ConfigRow } from './config.ts';
import { flagOf, optionalTextOf, readObject, textOf } from './management-body.ts';
import { type CareServices, careHandlers, careRoutes } from './management-care.ts';
import { type UserServices, userHandlers, userRoutes } from './management-users.ts';
import type { Metrics } from './metrics.ts';
import type { ProbeDesk } from './probe-watch.ts';

/** What the management socket works with. */
export interface ManagementServices extends CareServices, UserServices {
  readonly registries: Registries;
  readonly credentials: Credentials;
  readonly probes: ProbeDesk;
  readonly refusals: Pick<Refusals, 'find' | 'latest'>;
  readonly metrics: Metrics;
  readonly config: readonly ConfigRow[];
  /** Login server of a registry under the domain. */
  canonical(registry: Registry): string;
  /** What `berth status` shows. */
  status(): Promise<Record<string, unknown>>;
  /** Null when requests are served, else why not. */
  notReady(): Promise<string | null>;
  failed(exchange: Exchange, error: unknown): void;
}

interface ManagementCall {
  readonly exchange: Exchange;
  readonly parameters: RouteParameters;
  readonly services: ManagementServices;
  readonly context: RequestContext;
}

type Handler = (call: ManagementCall) => Promise<void>;

const probes = [
  { id: 'health', methods: ['GET', 'HEAD'], pattern: '/healthz' },
  { id: 'ready', methods: ['GET', 'HEAD'], pattern: '/readyz' },
  { id: 'metrics', methods: ['GET'], pattern: '/metrics' },
] as const;

const operatorRoutes = [
  { id: 'status', methods: ['GET'], pattern: '/status' },
  { id: 'config', methods: ['GET'], pattern: '/config' },
  { id: 'probe.open', methods: ['POST'], pattern: '/probes' },
  { id: 'probe.report', methods: ['GET'], pattern: '/probes/{id}' },
  { id: 'probe.close', methods: ['DELETE'], pattern: '/probes/{id}' },
  { id: 'registry.list', methods: ['GET'], pattern: '/registries' },
  { id: 'registry.create', methods: ['POST'], pattern: '/registries' },
  { id: 'registry.show', methods: ['GET'], pattern: '/registries/{name}' },
  { id: 'registry.update', methods: ['PATCH'], pattern: '/registries/{name}' },
  { id: 'registry.delete', methods: ['DELETE'], pattern: '/registries/{name}' },
  { id: 'credentials.show', methods: ['GET'], pattern: '/registries/{name}/credentials' },
  { id: 'credentials.renew', methods: ['POST'], pattern: '/registries/{name}/credentials/{password}' },
  { id: 'token.list', methods: ['GET'], pattern: '/registries/{name}/tokens' },
  { id: 'token.create', methods: ['POST'], pattern: '/registries/{name}/tokens' },
  { id: 'refusal.list', methods: ['GET'], pattern: '/refusals' },
  { id: 'refusal.show', methods: ['GET'], pattern: '/refusals/{id}' },
  { id: 'token.delete', methods: ['DELETE'], pattern: '/registries/{name}/tokens/{token}' },
  ...careRoutes,
  ...userRoutes,
] as const;

const probeHandlers: Readonly<Record<(typeof probes)[number]['id'], Handler>> = {
  health: async ({ exchange }) => exchange.sendJson(200, { status: 'ok' }),
  async ready({ exchange, services }) {
    const reason = await services.notReady();
    exchange.sendJson(
      reason === null ? 200 : 503,
      reason === null ? { status: 'ready' } : { status: 'not ready', reason },
    );
  },
  async metrics({ exchange, services }) {
    const { contentType, text } = await services.metrics.page();
    exchange.send(200, { 'content-type': contentType }, text);
  },
};

const operatorHandlers: Readonly<Record<(typeof operatorRoutes)[number]['id'], Handler>> = {
  status: async ({ exchange, services }) => exchange.sendJson(200, await services.status()),
  config: async ({ exchange, services }) => exchange.sendJson(200, { keys: services.config }),
  'probe.open': async ({ exchange, services }) => exchange.sendJson(201, await services.probes.open()),
  async 'probe.report'({ exchange, parameters, services }) {
    exchange.sendJson(200, await services.probes.report(parameters['id'] ?? ''));
  },
  async 'probe.close'({ exchange, parameters, services }) {
    await services.probes.close(parameters['id'] ?? '');
    exchange.send(204);
  },
  async 'registry.list'({ exchange, services }) {
    const last = exchange.query.get('last') ?? '';
    const registries = await services.registries.list({ last, limit: 1000 });
    exchange.sendJson(200, {
      registries: await Promise.all(registries.map((registry) => shown(services, registry))),
    });
  },
  async 'registry.create'({ exchange, services, context }) {
    const body = await readObject(exchange);
    const registry = await services.registries.create(context, {
      name: textOf(body, 'name'),
      adminEnabled: flagOf(body, 'adminEnabled') ?? false,
      anonymousPull: flagOf(body, 'anonymousPull') ?? false,
      ...given('resourceGroup', optionalTextOf(body, 'resourceGroup')),
      ...given('location', optionalTextOf(body, 'location')),
      ...given('sku', tierOf(body)),
    });
    await services.credentials.ensureAdmin(registry, context);
    exchange.sendJson(201, await shown(services, registry));
  },
  async 'registry.show'(call) {
    call.exchange.sendJson(200, await shown(call.services, await registryOf(call)));
  },
  async 'registry.update'(call) {
    const body = await readObject(call.exchange);
    const registry = await call.services.registries.change(call.context, (await registryOf(call)).name, {
      ...given('adminEnabled', flagOf(body, 'adminEnabled')),
      ...given('anonymousPull', flagOf(body, 'anonymousPull')),
      ...given('sku', tierOf(body)),
      asDefault: flagOf(body, 'default') ?? false,
    });
    call.exchange.sendJson(200, await shown(call.services, registry));
  },
  async 'registry.delete'(call) {
    await call.services.registries.remove(call.context, (await registryOf(call)).name);
    call.exchange.send(204);
  },
  async 'credentials.show'(call) {
    const registry = await registryOf(call);
    const credentials = await call.services.credentials.showAdmin(registry);
    call.exchange.sendJson(200, {
      ...credentials,
      adminEnabled: registry.adminEnabled,
      loginServer: call.services.canonical(registry),
    });
  },
  async 'credentials.renew'(call) {
    const name = call.parameters['password'];
    if (name !== 'password' && name !== 'password2')
      throw new Fault('request-invalid', 'an admin user has "password" and "password2"');
    call.exchange.sendJson(200, await call.services.credentials.renewAdmin(await registryOf(call), name, call.context));
  },
  async 'token.list'(call) {
    const last = call.exchange.query.get('last') ?? '';
    const tokens = await call.services.credentials.listTokens(await registryOf(call), { last, limit: 1000 });
    call.exchange.sendJson(200, { tokens });
  },
  async 'token.create'(call) {
    const body = await readObject(call.exchange);
    const actions = body['actions'];
    if (!Array.isArray(actions) || !actions.every((action) => typeof action === 'string')) {
      throw new Fault('request-invalid', '"actions" is a list of repositories/<name>/<action>');
    }
    const made = await call.services.credentials.createToken(
      await registryOf(call),
      { name: textOf(body, 'name'), actions, expiresMs: expiryOf(body) },
      call.context,
    );
    call.exchange.sendJson(201, { name: made.username, ...made });
  },
  async 'refusal.list'({ exchange, services }) {
    const last = Number(exchange.query.get('last') ?? 10);
    if (!Number.isInteger(last) || last < 1 || last > 1000) {
      throw new Fault('request-invalid', 'a number of refused requests is from 1 to 1000');
    }
    const registry = exchange.query.get('registry')?.toLowerCase() ?? null;
    exchange.sendJson(200, { refusals: await services.refusals.latest(registry, last) });
  },
  async 'refusal.show'({ exchange, services, parameters }) {
    const id = (parameters['id'] ?? '').toLowerCase();
    const refusal = /^[0-9a-z-]{8,64}$/.test(id) ? await services.refusals.find(id) : undefined;
    if (!refusal) {
      throw new Fault(
        'not-found',
        `no refused request "${id.slice(0, 60)}" is remembered; the id is in the answer (x-ms-correlation-request-id) and in the log`,
      );
    }
    exchange.sendJson(200, { ...refusal });
  },
  ...careHandlers,
  ...userHandlers,
  async 'token.delete'(call) {
    await call.services.credentials.deleteToken(await registryOf(call), call.parameters['token'] ?? '', call.context);
    call.exchange.send(204);
  },
};

/** Status of an operator's refusal; the text is for the person who typed the command. */
const statuses: Partial<Record<Fault['code'], number>> = { 'not-found': 404, conflict: 409, unsupported: 405 };

/**
 * Answers the management socket (everything) or the listener for health and metrics (`probesOnly`). Who may open the
 * socket is decided by the file system: it is 0600.
 */
export function management(
  services: ManagementServices,
  options: { probesOnly: boolean },
): (exchange: Exchange) => Promise<void> {
  const probe = compileRoutes(probes);
  const operator = compileRoutes(operatorRoutes);
  return async (exchange) => {
    try {
      const probed = probe(exchange.method, exchange.path);
      if (probed.kind === 'match') {
        exchange.facts.operation = `management.${probed.route.id}`;
        await probeHandlers[probed.route.id]({
          exchange,
          services,
          parameters: probed.parameters,
          context: operatorContext(exchange),
        });
        return;
      }
      const matched = options.probesOnly ? ({ kind: 'none' } as const) : operator(exchange.method, exchange.path);
      if (matched.kind === 'none') throw new Fault('not-found', 'there is nothing at this path');
      if (matched.kind === 'method') throw new Fault('unsupported', `${exchange.method} is not served at this path`);
      exchange.facts.operation = `management.${matched.route.id}`;
      await operatorHandlers[matched.route.id]({
        exchange,
        services,
        parameters: matched.parameters,
        context: operatorContext(exchange),
      });
    } catch (error) {
      if (isFault(error)) {
        exchange.sendJson(statuses[error.code] ?? 400, { error: { code: error.code, message: error.message } });
        return;
      }
      services.failed(exchange, error);
      exchange.sendJson(500, {
        error: { code: 'internal', message: `internal error ${exchange.requestId}; see the log` },
      });
    }
  };
}

/** Whoever reaches the socket is the operator; it has neither host nor peer. */
function operatorContext(exchange: Exchange): RequestContext {
  return { ...requestContext(exchange, 'operator'), host: 'management', address: '' };
}

async function shown(services: ManagementServices, registry: Registry): Promise<Record<string, unknown>> {
  const resource = await services.registries.resource(registry.resourceKey);
  if (!resource) throw new Fault('not-found', `the registry "${registry.name}" was deleted just now`);
  return {
    id: resource.resourceId,
    name: registry.name,
    location: resource.location,
    resourceGroup: registry.resourceGroup,
    loginServer: services.canonical(registry),
    sku: registry.sku,
    adminUserEnabled: registry.adminEnabled,
    anonymousPullEnabled: registry.anonymousPull,
    default: registry.isDefault,
    creationDate: new Date(registry.createdMs).toISOString(),
  };
}

async function registryOf(call: ManagementCall): Promise<Registry> {
  const name = (call.parameters['name'] ?? '').toLowerCase();
  // `-` stands for the first registry, so that commands need no name on a machine with one.
  const registry =
    name === '-' ? await call.services.registries.default() : await call.services.registries.byName(name);
  if (!registry) throw new Fault('not-found', `there is no registry named "${name}"`);
  return registry;
}

/** When passwords end, Unix milliseconds; null for never. Anything that is not a time is refused, not read as never. */
function expiryOf(body: Record<string, unknown>): number | null {
  const value = body['expiresMs'];
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value <= 0) {
    throw new Fault('request-invalid', '"expiresMs" is a time in Unix milliseconds, or null for never');
  }
  return value;
}

function tierOf(body: Record<string, unknown>): RegistryTier | undefined {
  const text = optionalTextOf(body, 'sku');
  if (text === undefined) return undefined;
  const tier = (Object.keys(registryTiers) as RegistryTier[]).find((one) => one.toLowerCase() === text.toLowerCase());
  if (!tier) throw new Fault('request-invalid', `"sku" is Basic, Standard or Premium, not "${text}"`);
  return tier;
}

/** A property when it has a value, nothing otherwise. */
function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: V });
}
