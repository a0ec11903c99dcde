import { type AzurePlace, type AzurePlan, measureInTurn } from './azure-place.ts';
import { berthLog } from './berth.ts';
import type { Figure } from './figures.ts';
import { measureOneByOne } from './one-by-one.ts';
import type { TextRequest } from './work.ts';

const askedAtOnce = 4;
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };

/**
 * CPU of a refresh token of the registry for an access token of the identity provider, each one a new one, and of an access
 * token for a refresh token, the same one again and again as docker sends it; for a service principal with AcrPull.
 */
export async function measureExchange(place: AzurePlace, plan: AzurePlan): Promise<Figure[]> {
  const { azure, berth } = place;
  const { signal } = plan;
  const count = plan.quick ? 50 : 200;
  const endpoint = berth.endpoints.token;
  const log = berthLog(azure.folder);
  const service = `${endpoint.host}:${endpoint.port}`;
  const exchange = (accessToken: string): TextRequest => ({
    method: 'POST',
    path: '/oauth2/exchange',
    headers: form,
    body: new URLSearchParams({ grant_type: 'access_token', service, access_token: accessToken }).toString(),
  });
  const ask = (requests: readonly TextRequest[]): Promise<{ cpuMs: number }> =>
    measureOneByOne(endpoint, {
      tokens: {},
      work: { kind: 'requests', tokenName: '', requests, expected: 200 },
      requests: requests.length,
      log,
      isOne: ({ path }) => path === requests[0]?.path,
      signal,
    });
  const [first = ''] = await accessTokens(place, 1);
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
        title: 'registry refresh token by a new access token of the identity provider',
        measure: async () => ({ cpu: (await ask((await accessTokens(place, count)).map(exchange))).cpuMs }),
      },
      {
        name: 'refresh',
        title: 'registry access token by a refresh token',
        measure: async () => ({ cpu: (await ask(Array.from({ length: count }, () => refresh))).cpuMs }),
      },
    ],
    plan,
  );
}

/** Different ones; made before the clock starts. */
async function accessTokens({ azure, client }: AzurePlace, count: number): Promise<string[]> {
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
