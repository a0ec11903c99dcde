import type { ProviderCall } from './call.ts';
import { familyClients } from './clients.ts';
import type { Granted } from './token-endpoint.ts';

/** The answer of the token endpoint (AZ-WIRE §2.2). `version` is the protocol that was asked by. */
export async function tokenAnswer(
  { services, base, tenant }: ProviderCall,
  version: 1 | 2,
  granted: Granted,
  options: { clientInfo: boolean },
): Promise<Record<string, unknown>> {
  const { subject, clientId, scopes, refreshToken, nonce } = granted;
  const { tokens, tenantId, clock } = services;
  const isUser = subject.kind === 'user';
  // Without a tenant in the path the first protocol's paths carry the second one's fields.
  const isFirst = version === 1 && !tenant.adfs;
  const request = {
    subject,
    clientId,
    resource: scopes.resource,
    audience: scopes.audience,
    issuer: base,
    version: isFirst ? (1 as const) : (2 as const),
  };
  const [access, id] = await Promise.all([
    tokens.issueAccess(request),
    isUser && scopes.openid ? tokens.issueId({ ...request, nonce }) : null,
  ]);
  const seconds = access.expiresInSeconds;
  const now = Math.floor(clock.now() / 1000);
  const text = (value: number): string => String(value);
  return {
    token_type: 'Bearer',
    // An empty one would be a key under which the client finds nothing (T-AUTH-2).
    ...(scopes.granted === '' ? {} : { scope: isFirst ? 'user_impersonation' : scopes.granted }),
    ...(isFirst
      ? {
          expires_in: text(seconds),
          ext_expires_in: text(seconds),
          expires_on: text(now + seconds),
          not_before: text(now),
          resource: scopes.audience,
        }
      : { expires_in: seconds, ext_expires_in: seconds }),
    access_token: access.token,
    ...(refreshToken === null ? {} : { refresh_token: refreshToken }),
    ...(refreshToken !== null && familyClients.includes(clientId) ? { foci: '1' } : {}),
    ...(id === null ? {} : { id_token: id }),
    ...(isUser && options.clientInfo ? { client_info: clientInfo(subject.objectId, tenantId) } : {}),
  };
}

/** Who signed in, as MSAL names the account in its cache. */
export function clientInfo(objectId: string, tenantId: string): string {
  return Buffer.from(JSON.stringify({ uid: objectId, utid: tenantId })).toString('base64url');
}
