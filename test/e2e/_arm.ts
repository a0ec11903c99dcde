import { azureCli, type LoginAnswer, type LoginClient, type LoginOptions, loginClient } from './_login.ts';
import type { Berth } from './_server.ts';

/** Speaks to the resource manager of a running Berth as one person. */
export interface ArmClient {
  (method: string, path: string, options?: ArmOptions): Promise<LoginAnswer>;
  readonly login: LoginClient;
  readonly subscription: string;
}

export interface ArmOptions extends Pick<LoginOptions, 'headers'> {
  readonly json?: unknown;
  readonly query?: string;
  /** Null for none. */
  readonly token?: string | null;
}

export const armVersion = '2024-11-01';

/** Signs the operator in as az does, and answers a client with the token. */
export async function armClient(
  berth: Pick<Berth, 'caFile' | 'loginServer' | 'operatorUser' | 'subscriptionId'>,
): Promise<ArmClient> {
  const login = await loginClient(berth);
  const { username, password } = berth.operatorUser;
  const scope = `${login.management}//.default offline_access openid profile`;
  const signedIn = await login.token({
    client_id: azureCli,
    grant_type: 'password',
    client_info: '1',
    username,
    password,
    scope,
  });
  const own = signedIn.json<{ access_token: string }>().access_token;
  const send = (method: string, path: string, options: ArmOptions = {}): Promise<LoginAnswer> => {
    const { json, query = '', token = own, headers = {} } = options;
    const [bare = '', asked] = path.split('?');
    const parameters = asked ?? `api-version=${armVersion}${query === '' ? '' : `&${query}`}`;
    return login(method, `${bare}?${parameters}`, {
      label: 'management',
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
  };
  return Object.assign(send, { login, subscription: `/subscriptions/${berth.subscriptionId}` });
}

/** The path of an absolute address at the resource manager. */
export function pathOf(url: unknown): string {
  const { pathname, search } = new URL(String(url));
  return `${pathname}${search}`;
}

/** Asks an address of an operation until it does not say 202 any more, as az does between two waits. */
export async function untilDone(arm: ArmClient, location: unknown, withinMs = 30_000): Promise<LoginAnswer> {
  const late = AbortSignal.timeout(withinMs);
  for (;;) {
    const answer = await arm('GET', pathOf(location));
    if (answer.status !== 202) return answer;
    late.throwIfAborted();
  }
}
