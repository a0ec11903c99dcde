import { decodeJwt } from 'jose';
import type { Endpoint } from './contenders.ts';
import { getOnce } from './http-get.ts';

/** Bearer tokens for one endpoint. */
export interface Tokens {
  /** A token per repository that lives on for two minutes at least; nothing where the endpoint asks for none. */
  forRepositories(repositories: readonly string[]): Promise<Record<string, string>>;
  /** A fresh token for one scope, whoever else has one. Throws where the endpoint asks for none. */
  forScope(scope: string): Promise<string>;
}

const leastLifeMs = 120_000;
const askedAtOnce = 4;

/** Gets tokens as Docker clients do: challenge of `GET /v2/`, then the realm with basic credentials; keeps them until they age. */
export async function endpointTokens(endpoint: Endpoint): Promise<Tokens> {
  const base = `${endpoint.ca === undefined ? 'http' : 'https'}://${endpoint.host}:${endpoint.port}`;
  const challenge = await readChallenge(`${base}/v2/`, endpoint.ca);
  const known = new Map<string, { token: string; expires: number }>();

  const ask = async (scope: string, realm: Challenge): Promise<string> => {
    const url = new URL(realm.realm, base);
    url.searchParams.set('service', realm.service);
    url.searchParams.set('scope', scope);
    const headers: Record<string, string> = {};
    if (endpoint.credentials !== undefined) {
      const { username, password } = endpoint.credentials;
      headers['Authorization'] = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    }
    const response = await getOnce(url, { headers, ca: endpoint.ca });
    if (response.status !== 200) throw new Error(`${url.host} answered ${response.status} instead of a token`);
    const body = JSON.parse(response.body) as { access_token?: string; token?: string };
    const token = body.access_token ?? body.token;
    if (token === undefined) throw new Error(`the answer of ${url.host} holds no token`);
    return token;
  };
  const renew = async (repository: string, realm: Challenge): Promise<void> => {
    const token = await ask(`repository:${repository}:pull,push`, realm);
    known.set(repository, { token, expires: (decodeJwt(token).exp ?? 0) * 1000 });
  };

  return {
    forScope: async (scope) => {
      if (challenge === undefined) throw new Error(`${base} asks for no token`);
      return ask(scope, challenge);
    },
    forRepositories: async (repositories) => {
      if (challenge === undefined) return {};
      const due = repositories.filter((repository) => (known.get(repository)?.expires ?? 0) < Date.now() + leastLifeMs);
      for (let at = 0; at < due.length; at += askedAtOnce) {
        await Promise.all(due.slice(at, at + askedAtOnce).map((repository) => renew(repository, challenge)));
      }
      return Object.fromEntries(repositories.map((repository) => [repository, known.get(repository)?.token ?? '']));
    },
  };
}

interface Challenge {
  readonly realm: string;
  readonly service: string;
}

/** The Bearer challenge (RFC 6750, section 3); undefined when the endpoint lets anybody in. */
async function readChallenge(url: string, ca: string | undefined): Promise<Challenge | undefined> {
  const response = await getOnce(url, { ca });
  if (response.status === 200) return undefined;
  const header = response.headers['www-authenticate'] ?? '';
  const realm = /realm="([^"]+)"/.exec(header)?.[1];
  const service = /service="([^"]+)"/.exec(header)?.[1];
  if (response.status !== 401 || !/^bearer /i.test(header) || realm === undefined || service === undefined) {
    throw new Error(
      `${url} answered ${response.status} with the challenge "${header}"; a Bearer challenge was expected`,
    );
  }
  return { realm, service };
}
