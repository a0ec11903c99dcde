import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { type AzurePlace, type AzurePlan, measureInTurn } from './azure-place.ts';
import { cpuPerRequest } from './cpu-per-request.ts';
import type { Figure } from './figures.ts';
import type { TextRequest } from './work.ts';

const askedAtOnce = 4;
const connections = 8;
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };

/**
 * CPU of a refresh token of the registry for an access token of the identity provider, each one a new one, and of an access
 * token for a refresh token, the same one again and again as docker sends it; for a service principal with AcrPull. Beside them what one
 * signature costs on this machine: each of the two makes one, and that is most of their price.
 */
export async function measureExchange(place: AzurePlace, plan: AzurePlan): Promise<Figure[]> {
  const { berth } = place;
  const { signal } = plan;
  const count = plan.quick ? 50 : 500;
  const endpoint = berth.endpoints.token;
  const service = `${endpoint.host}:${endpoint.port}`;
  const exchange = (accessToken: string): TextRequest => ({
    method: 'POST',
    path: '/oauth2/exchange',
    headers: form,
    body: new URLSearchParams({ grant_type: 'access_token', service, access_token: accessToken }).toString(),
  });
  const ask = (requests: readonly TextRequest[]): Promise<number> =>
    cpuPerRequest(endpoint, {
      tokens: {},
      work: { kind: 'requests', tokenName: '', requests, expected: 200 },
      connections,
      count: requests.length,
      signal,
    });
  // All of them before the first round: what a sign-in leaves to be written later is no part of an exchange.
  const accessTokens = await newAccessTokens(place, (plan.rounds + 1) * count);
  const [first = ''] = accessTokens;
  const scope = 'repository:bench/pulled:pull';
  const body = {
    grant_type: 'refresh_token',
    service,
    scope,
    refresh_token: await refreshToken(place, exchange(first)),
  };
  const refresh: TextRequest = {
    method: 'POST',
    path: '/oauth2/token',
    headers: form,
    body: new URLSearchParams(body).toString(),
  };
  return measureInTurn(
    'exchange',
    [
      {
        name: 'exchange',
        title: `registry refresh token by a new access token of the identity provider, ${connections} conn`,
        measure: async () => ({ cpu: await ask(accessTokens.splice(0, count).map(exchange)) }),
      },
      {
        name: 'refresh',
        title: `registry access token by a refresh token, ${connections} conn`,
        measure: async () => ({ cpu: await ask(Array.from({ length: count }, () => refresh)) }),
      },
      {
        name: 'signature',
        title: 'one RS256 signature with a key of 2048 bits, in the bench itself',
        measure: async () => ({ cpu: signatureCpuMs(count) }),
      },
    ],
    plan,
  );
}

function signatureCpuMs(count: number): number {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const content = randomBytes(800);
  const before = process.cpuUsage();
  for (let at = 0; at < count; at++) sign('sha256', content, privateKey);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / count;
}

async function newAccessTokens({ azure, client }: AzurePlace, count: number): Promise<string[]> {
  const tokens: string[] = [];
  while (tokens.length < count) {
    const asked = Array.from({ length: Math.min(askedAtOnce, count - tokens.length) }, () =>
      client.robotToken(azure.puller, 'registry'),
    );
    tokens.push(...(await Promise.all(asked)));
  }
  return tokens;
}

async function refreshToken({ berth }: AzurePlace, { path, headers = {}, body = '' }: TextRequest): Promise<string> {
  const { host, port } = berth.endpoints.token;
  const answer = await fetch(`http://${host}:${port}${path}`, { method: 'POST', headers, body });
  if (answer.status !== 200)
    throw new Error(`${path} answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
  return ((await answer.json()) as { refresh_token: string }).refresh_token;
}
