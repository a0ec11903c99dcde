import { type Principal, type SignIn, tokenUserName } from '../../../identity/index.ts';
import { isFault } from '../../../kernel/index.ts';
import { toldBy } from '../../refusal.ts';
import type { TokenCall } from '../call.ts';

const applicationId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** The name of a service principal, as faults and principals have it. */
const principalName = /^app:([0-9a-f-]{36})#(.+)$/;
const maxUserAgent = 200;

/**
 * Runs a sign-in by name and password at a token endpoint. Where the name is that of an application it is a sign-in of the
 * directory, and recorded as one: a success before anybody hears of it, a refusal soon after. The directory's own tokens,
 * which the exchange takes, were recorded when they were made.
 */
export async function recordedSignIn(
  call: TokenCall,
  username: string,
  work: () => Promise<Principal>,
): Promise<Principal> {
  if (!applicationId.test(username) || username === tokenUserName) return work();
  const { signIns } = call.services;
  let principal: Principal;
  try {
    principal = await work();
  } catch (error) {
    if (isFault(error, 'unauthenticated')) {
      const { rule, actor } = toldBy(error);
      signIns.refused(signInOf(call, actor, rule));
    }
    throw error;
  }
  if (principal.objectId !== '') await signIns.succeeded(signInOf(call, principal.name, ''));
  return principal;
}

/** What nobody has is not named: it may be a secret in the wrong place. */
function signInOf({ exchange, services, access }: TokenCall, name: string, error: string): SignIn {
  const [, appId = '', objectId = ''] = principalName.exec(name) ?? [];
  return {
    at: services.clock.now(),
    requestId: exchange.requestId,
    flow: 'registry_password',
    principalId: objectId,
    principal: appId,
    clientId: appId,
    resource: `registry:${access.name}`,
    error,
    address: exchange.address,
    userAgent: (exchange.header('user-agent') ?? '').slice(0, maxUserAgent),
  };
}
