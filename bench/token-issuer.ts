import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose';

/** The token service that Distribution is told to trust. */
export interface TokenIssuer extends AsyncDisposable {
  readonly realm: string;
  readonly service: string;
  readonly name: string;
  /** The public key, for the `jwks` file of Distribution's token configuration. */
  readonly jwks: JSONWebKeySet;
}

const service = 'bench-registry';
const name = 'bench-issuer';
const keyId = 'bench';
const lifetimeSeconds = 3600;

/**
 * Starts an issuer on a free loopback port that grants every asked scope to anybody, RS256 with a 2048-bit key as Berth
 * signs. Tokens name their key by `kid`: the cheapest form that Distribution verifies (x5c builds a chain each time).
 */
export async function startTokenIssuer(): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { modulusLength: 2048 });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const scopes = new URL(request.url ?? '/', 'http://issuer.invalid').searchParams.getAll('scope');
    const token = await new SignJWT({ access: scopes.map(parseScope) })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: keyId })
      .setIssuer(name)
      .setAudience(service)
      .setSubject('bench')
      .setJti(randomUUID())
      .setIssuedAt()
      .setNotBefore('0s')
      .setExpirationTime(`${lifetimeSeconds}s`)
      .sign(privateKey);
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ access_token: token, token, expires_in: lifetimeSeconds }));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    realm: `http://127.0.0.1:${port}/token`,
    service,
    name,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: keyId, alg: 'RS256', use: 'sig' }] },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** `repository:name:pull,push` as an entry of the `access` claim (Distribution's token specification). */
function parseScope(scope: string): { type: string; name: string; actions: string[] } {
  const parts = scope.split(':');
  const actions = parts.pop() ?? '';
  const [type = '', ...names] = parts;
  return { type, name: names.join(':'), actions: actions.split(',') };
}
