import {
  type AccessEntry,
  grantAccess,
  missingCredential,
  type Principal,
  tokenUserName,
} from '../../../identity/index.ts';
import { Fault, operatorOnly, parseAuthorization, parseScopes } from '../../../kernel/index.ts';
import type { TokenCall } from '../call.ts';
import { recordedSignIn } from './sign-in-record.ts';

const maxFormBytes = 64 * 1024;

/** `GET /oauth2/token` as docker asks it: Basic or nothing, scopes in the query (ACR-FACTS §4.4, AZ-WIRE T-REG-11). */
export async function getToken(call: TokenCall): Promise<void> {
  const { exchange, services, access } = call;
  const credential = parseAuthorization(exchange.header('authorization'));
  if (credential.scheme === 'bearer') {
    throw new Fault('unauthenticated', 'the token endpoint takes a user name and a password, not a bearer token', {
      operator: operatorOnly({
        rule: 'bearer-at-token-endpoint',
        because: 'a bearer token was sent where tokens are made, which takes a user name and a password',
        cure: `docker login ${access.audience}, or grant_type=refresh_token by POST`,
      }),
    });
  }
  const principal = await recordedSignIn(call, credential.scheme === 'basic' ? credential.username : '', () =>
    services.authenticator.authenticate(credential, access),
  );
  call.exchange.facts.actor = principal.name;
  await answer(call, { principal, scopes: exchange.query.getAll('scope'), refresh: false });
}

/** `POST /oauth2/token`: grants `password` and `refresh_token` (ACR-FACTS §4.4; RFC 6749 §4.3, §6). */
export async function postToken(call: TokenCall): Promise<void> {
  const { exchange, services, access } = call;
  const form = new URLSearchParams((await exchange.readBody(maxFormBytes)).toString('utf8'));
  const principal = await fromForm(call, form, (username, password) =>
    recordedSignIn(call, username, () =>
      services.authenticator.authenticate({ scheme: 'basic', username, password }, access),
    ),
  );
  exchange.facts.actor = principal.name;
  // A refresh token is had for a password only: one that could be renewed by itself would live for ever.
  const byPassword = form.get('grant_type') === 'password' && form.get('username') !== tokenUserName;
  const refresh = form.get('access_type') === 'offline' && byPassword;
  await answer(call, { principal, scopes: form.getAll('scope'), refresh });
}

/**
 * `POST /oauth2/exchange`: an access token of the identity provider for a refresh token of the registry (ACR-FACTS §4.3).
 * The older grants hand over a refresh token of the identity provider, which no registry should see.
 */
export async function exchangeToken(call: TokenCall): Promise<void> {
  const { exchange, services, access } = call;
  const form = new URLSearchParams((await exchange.readBody(maxFormBytes)).toString('utf8'));
  const grant = form.get('grant_type') ?? '';
  if (grant !== 'access_token') {
    throw new Fault(
      'unsupported',
      `grant_type "${grant.slice(0, 60)}" is not taken at /oauth2/exchange; send access_token with an access token of the identity provider`,
    );
  }
  const tenant = form.get('tenant');
  const principal = await services.authenticator.fromAccessToken(
    form.get('access_token') ?? '',
    tenant === '' ? null : tenant,
    access,
  );
  exchange.facts.actor = principal.name;
  exchange.sendJson(
    200,
    { refresh_token: await services.tokens.issueRefresh(principal, access) },
    { 'cache-control': 'no-store' },
  );
}

async function fromForm(
  call: TokenCall,
  form: URLSearchParams,
  signIn: (username: string, password: string) => Promise<Principal>,
): Promise<Principal> {
  const { services, access } = call;
  const grant = form.get('grant_type');
  const username = form.get('username') ?? '';
  const refreshToken = form.get('refresh_token') ?? '';
  switch (grant) {
    case 'refresh_token':
      return services.authenticator.fromRefreshToken(refreshToken, access);
    case 'password':
      // The JavaScript SDK asks for an anonymous token with this grant and an empty refresh token (AZ-WIRE §9.1).
      return username === ''
        ? services.authenticator.authenticate({ scheme: 'none' }, access)
        : signIn(username, form.get('password') ?? '');
    default:
      throw new Fault(
        'unsupported',
        `grant_type "${(grant ?? '').slice(0, 60)}" is not known here; use password or refresh_token`,
      );
  }
}

async function answer(
  call: TokenCall,
  { principal, scopes, refresh }: { principal: Principal; scopes: readonly string[]; refresh: boolean },
): Promise<void> {
  const { exchange, services, access } = call;
  if (principal.kind === 'anonymous' && !access.anonymousPull) {
    // Docker takes this text without an addition for a failure that may pass, and tries again for most of a minute.
    throw new Fault('unauthenticated', 'authentication required; sign in first, for instance with docker login', {
      operator: operatorOnly(missingCredential(access)),
    });
  }
  const granted: AccessEntry[] = grantAccess(principal, parseScopes(scopes));
  const token = await services.tokens.issueAccess(principal, access, granted);
  exchange.sendJson(
    200,
    {
      access_token: token,
      token,
      expires_in: services.tokens.accessSeconds(principal),
      ...(refresh && principal.kind !== 'anonymous'
        ? { refresh_token: await services.tokens.issueRefresh(principal, access) }
        : {}),
    },
    { 'cache-control': 'no-store' },
  );
}
