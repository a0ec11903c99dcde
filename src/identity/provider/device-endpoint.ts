import type { ProviderCall } from './call.ts';
import { publicClient } from './clients.ts';
import { printable, readForm } from './form.ts';
import { OAuthRefusal, tooManyTries } from './refusal.ts';
import { readResource, readScopes } from './scopes.ts';

/** `POST /{tenant}/oauth2/v2.0/devicecode` and the first protocol's (RFC 8628 §3.1; AZ-WIRE §2.1 A3). */
export async function device(call: ProviderCall): Promise<void> {
  const { exchange, services, base } = call;
  const counted = services.backOff.count('device', exchange.address);
  if (!counted.allowed) throw tooManyTries(counted.retryAfterSeconds);
  const fields = await readForm(exchange);
  const id = fields.need('client_id');
  const client = publicClient(id);
  if (!client) {
    throw new OAuthRefusal('client-unknown', `there is no client "${printable(id)}" that users sign in with`);
  }
  const resource = fields.get('resource');
  // What was asked for is remembered with the code: the device does not say it again (T-AUTH-9).
  const { text: scope } =
    resource === undefined
      ? readScopes(fields.get('scope') ?? '', services.domain)
      : readResource(resource, services.domain);
  const started = await services.sessions.startDevice({ clientId: client.id, scope });
  const verification = `${base}/devicelogin`;
  exchange.sendJson(
    200,
    {
      user_code: started.userCode,
      device_code: started.deviceCode,
      verification_uri: verification,
      // As the first protocol calls it.
      verification_url: verification,
      expires_in: started.expiresInSeconds,
      interval: started.intervalSeconds,
      message: `To sign in, open the page ${verification} in a browser and enter the code ${started.userCode} there.`,
    },
    { 'cache-control': 'no-store' },
  );
}
