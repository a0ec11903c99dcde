import type { Exchange } from '../../http/index.ts';
import type { Directory, DirectoryTokens, Subject } from '../../identity/index.ts';
import { Fault, operatorOnly, type PlaneUrls, parseAuthorization } from '../../kernel/index.ts';

/**
 * Whom the access token of a request proves, as long as the account is enabled and its credential there. Throws
 * `unauthenticated`.
 */
export async function signIn(
  exchange: Exchange,
  services: { readonly tokens: DirectoryTokens; readonly directory: Directory },
): Promise<Subject> {
  const authorization = parseAuthorization(exchange.header('authorization'));
  if (authorization.scheme === 'bearer') {
    const claims = await services.tokens.verify(authorization.token, ['management']);
    return services.directory.subjectOf(claims);
  }
  if (authorization.scheme === 'none') {
    throw new Fault('unauthenticated', 'the Authorization header is missing; sign in and send an access token', {
      operator: operatorOnly({
        rule: 'credential-missing',
        because: 'nobody is signed in, and the resource manager answers nobody unknown',
        cure: 'az login',
      }),
    });
  }
  throw new Fault('unauthenticated', 'the Authorization header holds no Bearer token', {
    operator: operatorOnly({
      rule: 'credential-unusable',
      because: 'the resource manager takes access tokens of the identity provider only, no passwords',
      cure: 'az login; for passwords, az login --service-principal or az login -u',
    }),
  });
}

/** The challenge of a 401 (ACR-FACTS §23): where to sign in, and what was wrong with what was sent. */
export function signInChallenge(urls: PlaneUrls, tenantId: string, message: string): string {
  const description = message.replaceAll(/[^\u0020-\u007e]|["\\]/g, ' ');
  return `Bearer authorization_uri="${urls.login}/${tenantId}", error="invalid_token", error_description="${description}"`;
}
