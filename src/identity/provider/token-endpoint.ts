import type { Subject } from '../directory/directory.ts';
import type { NotAlive, Session } from '../sessions/sessions.ts';
import { type Attempt, recorded } from './attempt.ts';
import type { ProviderCall } from './call.ts';
import { familyClients, publicClient } from './clients.ts';
import { type Fields, printable, readForm } from './form.ts';
import { needPublicClient, proveApplication, proveUser } from './prove.ts';
import { OAuthRefusal } from './refusal.ts';
import { type AskedScopes, readResource, readScopes } from './scopes.ts';
import { tokenAnswer } from './token-answer.ts';

/** Somebody whom a grant has proved, and what they get. */
export interface Granted {
  readonly subject: Subject;
  readonly clientId: string;
  readonly scopes: AskedScopes;
  readonly refreshToken: string | null;
  readonly nonce: string | null;
}

type Grant = (call: ProviderCall, attempt: Attempt, fields: Fields) => Promise<Granted>;

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

const grants: Readonly<Record<string, { readonly flow: string; readonly grant: Grant }>> = {
  authorization_code: { flow: 'authorization_code', grant: byCode },
  [deviceGrant]: { flow: 'device_code', grant: byDevice },
  // As the first protocol called it.
  device_code: { flow: 'device_code', grant: byDevice },
  client_credentials: { flow: 'client_credentials', grant: bySecret },
  password: { flow: 'password', grant: byPassword },
  refresh_token: { flow: 'refresh_token', grant: byRefreshToken },
};

/** `POST /{tenant}/oauth2/v2.0/token` and `/{tenant}/oauth2/token` (AZ-WIRE §2.2). Throws an OAuthRefusal. */
export async function token(call: ProviderCall, version: 1 | 2): Promise<void> {
  const fields = await readForm(call.exchange);
  const name = fields.need('grant_type');
  const one = Object.hasOwn(grants, name) ? grants[name] : undefined;
  if (!one) {
    throw new OAuthRefusal('grant-unsupported', `the grant "${printable(name)}" is not known here`);
  }
  const { answer } = await recorded(call, one.flow, async (attempt) => {
    const granted = await one.grant(call, attempt, fields);
    attempt.principal = granted.subject;
    attempt.clientId = granted.clientId;
    attempt.resource = granted.scopes.audience;
    // In here: what is recorded as a success has its tokens.
    return { answer: await tokenAnswer(call, version, granted, { clientInfo: fields.get('client_info') === '1' }) };
  });
  call.exchange.sendJson(200, answer, { 'cache-control': 'no-store', pragma: 'no-cache' });
}

/** What a request asks for: by scope, or by resource in the first protocol. `earlier` is what a code was made for. */
function scopesOf(call: ProviderCall, attempt: Attempt, fields: Fields, earlier = ''): AskedScopes {
  const { domain } = call.services;
  const resource = fields.get('resource');
  const scope = fields.get('scope') ?? earlier;
  const isByResource = resource !== undefined && (fields.get('scope') === undefined || !/\/\S/.test(scope));
  attempt.resource = printable(resource ?? '');
  const scopes = isByResource ? readResource(resource, domain) : readScopes(scope, domain);
  attempt.resource = scopes.audience;
  return scopes;
}

async function bySecret(call: ProviderCall, attempt: Attempt, fields: Fields): Promise<Granted> {
  const scopes = scopesOf(call, attempt, fields);
  const subject = await proveApplication(call, attempt, fields);
  return { subject, clientId: subject.name, scopes, refreshToken: null, nonce: null };
}

async function byPassword(call: ProviderCall, attempt: Attempt, fields: Fields): Promise<Granted> {
  const client = needPublicClient(call, attempt, fields);
  const scopes = scopesOf(call, attempt, fields);
  const subject = await proveUser(call, attempt, fields.need('username'), fields.need('password'));
  const refreshToken = scopes.offline ? await call.services.sessions.begin(subject, client.id) : null;
  return { subject, clientId: client.id, scopes, refreshToken, nonce: null };
}

async function byRefreshToken(call: ProviderCall, attempt: Attempt, fields: Fields): Promise<Granted> {
  const { sessions, directory } = call.services;
  const client = needPublicClient(call, attempt, fields);
  // Any resource: one refresh token serves them all (T-AUTH-11), at any form of the tenant (T-AUTH-8).
  const scopes = scopesOf(call, attempt, fields);
  const family = familyClients.includes(client.id) ? familyClients : [client.id];
  const renewed = await sessions.renew(fields.need('refresh_token'), family);
  if (renewed.state !== 'alive') throw notAlive(renewed, 'refresh token');
  const subject = await directory.subjectOf(renewed.claims);
  return { subject, clientId: client.id, scopes, refreshToken: renewed.refreshToken, nonce: null };
}

async function byCode(call: ProviderCall, attempt: Attempt, fields: Fields): Promise<Granted> {
  const { sessions } = call.services;
  const client = needPublicClient(call, attempt, fields);
  const redirectUri = fields.need('redirect_uri');
  const verifier = fields.need('code_verifier');
  if (!/^[\w.~-]{43,128}$/.test(verifier)) {
    throw new OAuthRefusal('verifier-wrong', 'the code_verifier is no such thing: 43 to 128 unreserved characters');
  }
  const redeemed = await sessions.redeemCode(fields.need('code'), { clientId: client.id, redirectUri, verifier });
  if (redeemed.state !== 'alive') throw notAlive(redeemed, 'code');
  return bySession(call, redeemed, scopesOf(call, attempt, fields, redeemed.scope));
}

async function byDevice(call: ProviderCall, attempt: Attempt, fields: Fields): Promise<Granted> {
  const { sessions } = call.services;
  const client = needPublicClient(call, attempt, fields);
  // Clients send it under both names, and no scope (T-AUTH-9).
  const code = fields.get('device_code') ?? fields.need('code');
  const polled = await sessions.pollDevice(code, { clientId: client.id });
  switch (polled.state) {
    case 'alive':
      return bySession(call, polled, readScopes(polled.scope, call.services.domain));
    case 'pending':
      throw new OAuthRefusal('device-pending', 'nobody has signed in with the code of this device yet');
    case 'slow':
      throw new OAuthRefusal('device-slow', 'ask less often, at the interval that was told with the code');
    case 'declined':
      throw new OAuthRefusal('device-declined', 'the sign-in was declined on the page');
    case 'expired':
      throw new OAuthRefusal('device-expired', 'nobody has signed in with the code of this device in time');
    default:
      throw notAlive(polled, 'device code');
  }
}

async function bySession(call: ProviderCall, session: Session, scopes: AskedScopes): Promise<Granted> {
  const subject = await call.services.directory.subjectOf(session.claims);
  const { nonce, refreshToken } = session;
  const clientId = publicClient(session.clientId)?.id ?? session.clientId;
  return { subject, clientId, scopes, refreshToken, nonce };
}

function notAlive({ state }: NotAlive, what: string): OAuthRefusal {
  switch (state) {
    case 'expired':
      return new OAuthRefusal('token-expired', `the time of the ${what} is over; sign in again`);
    case 'reused':
      return new OAuthRefusal(
        'token-reused',
        `the ${what} was used before; in case somebody else has it, everything made by it has ended: sign in again`,
      );
    case 'ended':
      return new OAuthRefusal('token-revoked', 'this session was ended; sign in again');
    case 'mismatch':
      return new OAuthRefusal('token-unusable', `the ${what} was given for another client or another address`);
    case 'unknown':
      return new OAuthRefusal('token-unusable', `the ${what} is not one of this identity provider; sign in again`);
    default: {
      const never: never = state;
      throw new Error(String(never));
    }
  }
}
