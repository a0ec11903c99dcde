import { compileRoutes, type Exchange } from '../../http/index.ts';
import { isFault, planeUrls } from '../../kernel/index.ts';
import { asRefusal } from './attempt.ts';
import type { ProviderCall, ProviderServices } from './call.ts';
import { device } from './device-endpoint.ts';
import { instanceDiscovery, openidConfiguration, userRealm } from './documents.ts';
import { authorize, logout, signIn } from './pages/authorize.ts';
import { deviceConfirm, deviceLogin } from './pages/device-login.ts';
import { sendErrorPage } from './pages/error-page.ts';
import type { OAuthRefusal } from './refusal.ts';
import { readTenant } from './tenant.ts';
import { token } from './token-endpoint.ts';

/** Everything below the name of a tenant; routing is by path only (T-AUTH-10). */
const routes = [
  { id: 'discovery.v2', methods: ['GET', 'HEAD'], pattern: '/v2.0/.well-known/openid-configuration' },
  { id: 'discovery.v1', methods: ['GET', 'HEAD'], pattern: '/.well-known/openid-configuration' },
  { id: 'keys', methods: ['GET', 'HEAD'], pattern: '/discovery/v2.0/keys' },
  { id: 'keys.v1', methods: ['GET', 'HEAD'], pattern: '/discovery/keys' },
  { id: 'instance', methods: ['GET', 'HEAD'], pattern: '/discovery/instance' },
  { id: 'realm', methods: ['GET', 'HEAD'], pattern: '/userrealm/{user}' },
  { id: 'token.v2', methods: ['POST'], pattern: '/oauth2/v2.0/token' },
  { id: 'token.v1', methods: ['POST'], pattern: '/oauth2/token' },
  { id: 'device.v2', methods: ['POST'], pattern: '/oauth2/v2.0/devicecode' },
  { id: 'device.v1', methods: ['POST'], pattern: '/oauth2/devicecode' },
  { id: 'authorize.v2', methods: ['GET', 'POST'], pattern: '/oauth2/v2.0/authorize' },
  { id: 'authorize.v1', methods: ['GET', 'POST'], pattern: '/oauth2/authorize' },
  { id: 'logout.v2', methods: ['GET'], pattern: '/oauth2/v2.0/logout' },
  { id: 'logout.v1', methods: ['GET'], pattern: '/oauth2/logout' },
] as const;

/** What the pages send, and what has no tenant in its path. */
const pageRoutes = [
  { id: 'page.sign-in', methods: ['POST'], pattern: '/login' },
  { id: 'page.device', methods: ['GET'], pattern: '/devicelogin' },
  { id: 'page.device.confirm', methods: ['POST'], pattern: '/devicelogin' },
] as const;

type RouteId = (typeof routes)[number]['id'] | (typeof pageRoutes)[number]['id'];

/** Where people look: refused, they are shown a page. */
const pages: readonly RouteId[] = [
  'authorize.v2',
  'authorize.v1',
  'logout.v2',
  'logout.v1',
  'page.sign-in',
  'page.device',
  'page.device.confirm',
];

const documentHeaders = { 'cache-control': 'max-age=3600' };

const handlers: Readonly<Record<RouteId, (call: ProviderCall) => Promise<void>>> = {
  'discovery.v2': async (call) => call.exchange.sendJson(200, openidConfiguration(call, 2), documentHeaders),
  'discovery.v1': async (call) => call.exchange.sendJson(200, openidConfiguration(call, 1), documentHeaders),
  keys: sendKeys,
  'keys.v1': sendKeys,
  instance: async (call) => call.exchange.sendJson(200, instanceDiscovery(call), documentHeaders),
  realm: async (call) => call.exchange.sendJson(200, userRealm(call), { 'cache-control': 'no-store' }),
  'token.v2': (call) => token(call, 2),
  'token.v1': (call) => token(call, 1),
  'device.v2': device,
  'device.v1': device,
  'authorize.v2': authorize,
  'authorize.v1': authorize,
  'logout.v2': logout,
  'logout.v1': logout,
  'page.sign-in': signIn,
  'page.device': deviceLogin,
  'page.device.confirm': deviceConfirm,
};

async function sendKeys(call: ProviderCall): Promise<void> {
  call.exchange.sendJson(200, await call.services.tokens.jwks(), documentHeaders);
}

/** Answers every request to the host of the identity provider. */
export function identityProvider(options: {
  services: ProviderServices;
  failed: (exchange: Exchange, error: unknown) => void;
}): (exchange: Exchange) => Promise<void> {
  const { services, failed } = options;
  const find = compileRoutes(routes);
  const findPage = compileRoutes(pageRoutes);
  return async (exchange) => {
    const correlationId = correlationOf(exchange);
    exchange.always = headersOf(exchange, correlationId);
    exchange.facts.operation = 'login';
    let isPage = false;
    try {
      const [segment = '', ...rest] = exchange.path.split('/').filter((part) => part !== '');
      const page = findPage(exchange.method, exchange.path);
      const matched = page.kind === 'none' ? find(exchange.method, `/${rest.join('/')}`) : page;
      if (matched.kind === 'none') throw new NothingHere();
      if (matched.kind === 'method') {
        exchange.send(405, { allow: matched.allowed.join(', ') });
        return;
      }
      exchange.facts.operation = `login.${matched.route.id}`;
      isPage = pages.includes(matched.route.id);
      const urls = planeUrls(services.domain, exchange.host);
      const tenant = readTenant(page.kind === 'none' ? segment : services.tenantId, services);
      await handlers[matched.route.id]({ exchange, services, tenant, urls, base: urls.login, correlationId });
    } catch (error) {
      if (error instanceof NothingHere) {
        sendError(exchange, correlationId, services, {
          status: 404,
          error: 'not_found',
          message: 'there is nothing at this path of the identity provider',
        });
        return;
      }
      const refusal = asRefusal(error);
      if (refusal && isPage) return sendErrorPage({ exchange, correlationId }, refusal);
      if (refusal) return sendRefusal(exchange, correlationId, services, refusal);
      if (isFault(error, 'unavailable', 'timeout')) {
        exchange.facts.error = error.code;
        const away = { status: 503, error: 'temporarily_unavailable', message: error.message };
        return sendError(exchange, correlationId, services, away);
      }
      failed(exchange, error);
      sendError(exchange, correlationId, services, {
        status: 500,
        error: 'server_error',
        message: `internal error ${exchange.requestId}; see the log`,
      });
    }
  };
}

class NothingHere extends Error {}

function sendRefusal(
  exchange: Exchange,
  correlationId: string,
  services: Pick<ProviderServices, 'clock'>,
  refusal: OAuthRefusal,
): void {
  exchange.facts.error = refusal.kind;
  sendError(exchange, correlationId, services, refusal);
}

/** The error body that Azure's clients read: they show `error_description` and look at `error` and `error_codes`. */
function sendError(
  exchange: Exchange,
  correlationId: string,
  { clock }: Pick<ProviderServices, 'clock'>,
  error: Pick<OAuthRefusal, 'status' | 'error' | 'message'> &
    Partial<Pick<OAuthRefusal, 'number' | 'retryAfterSeconds'>>,
): void {
  const timestamp = new Date(clock.now())
    .toISOString()
    .replace('T', ' ')
    .replace(/\.[0-9]+Z$/, 'Z');
  const prefix = error.number === undefined ? '' : `AADSTS${error.number}: `;
  const trail = `Trace ID: ${exchange.requestId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`;
  const isWrongClient = error.status === 401 && exchange.header('authorization') !== undefined;
  exchange.sendJson(
    error.status,
    {
      error: error.error,
      error_description: `${prefix}${error.message}. ${trail}`,
      ...(error.number === undefined ? {} : { error_codes: [error.number] }),
      timestamp,
      trace_id: exchange.requestId,
      correlation_id: correlationId,
    },
    {
      'cache-control': 'no-store',
      pragma: 'no-cache',
      ...(error.retryAfterSeconds == null ? {} : { 'retry-after': error.retryAfterSeconds }),
      // Due to who tried to prove a client by a header (RFC 6749 §5.2).
      ...(isWrongClient ? { 'www-authenticate': 'Basic realm="login"' } : {}),
    },
  );
}

function headersOf(exchange: Exchange, correlationId: string): readonly string[] {
  return [
    'x-content-type-options',
    'nosniff',
    'strict-transport-security',
    'max-age=31536000; includeSubDomains',
    'x-ms-request-id',
    exchange.requestId,
    'client-request-id',
    correlationId,
  ];
}

function correlationOf(exchange: Exchange): string {
  const given = exchange.header('client-request-id') ?? '';
  return /^[0-9a-fA-F-]{36}$/.test(given) ? given : exchange.requestId;
}
