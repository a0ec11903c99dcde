import type { Door } from './_door.ts';
import type { Random } from './_random.ts';

/** Credentials for requests: tokens that are renewed in time, and passwords now and then. */
export interface SignIn {
  /** The header for requests that touch these repositories. */
  header(door: Door, ...repositories: readonly string[]): Promise<string>;
  /** How many tokens were issued, and how many of them for a refresh token. */
  issued(): { readonly tokens: number; readonly refreshed: number };
}

interface Held {
  readonly header: string;
  readonly renewAt: number;
}

/** Asked for anew before half of a token's life is over. */
const usedShare = 0.4;

/** `lasting` are the repositories for which tokens are had; others come and go, and are reached by the password. */
export function signIn(
  person: { username: string; password: string },
  { random, lasting }: { random: Random; lasting: readonly string[] },
): SignIn {
  const basic = `Basic ${Buffer.from(`${person.username}:${person.password}`).toString('base64')}`;
  const held = new Map<string, Promise<Held>>();
  let refreshToken: string | undefined;
  let tokens = 0;
  let refreshed = 0;

  const fetch = async (door: Door, repositories: readonly string[]): Promise<Held> => {
    const scopes = repositories.map((name) => `repository:${name}:pull,push,delete`);
    const byPassword = { grant_type: 'password', access_type: 'offline', ...person };
    const grant = refreshToken ? { grant_type: 'refresh_token', refresh_token: refreshToken } : byPassword;
    const form = new URLSearchParams({ service: 'load', ...grant });
    for (const scope of scopes) form.append('scope', scope);
    const answer = await door.ask({
      method: 'POST',
      path: '/oauth2/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.from(form.toString()),
    });
    if (answer.status !== 200) throw new Error(`no token: ${answer.status} ${answer.body.toString().slice(0, 300)}`);
    const body = JSON.parse(answer.body.toString()) as {
      access_token: string;
      expires_in: number;
      refresh_token?: string;
    };
    tokens += 1;
    if (refreshToken) refreshed += 1;
    refreshToken ??= body.refresh_token;
    return {
      header: `Bearer ${body.access_token}`,
      renewAt: performance.now() + body.expires_in * 1000 * usedShare,
    };
  };

  return {
    async header(door, ...repositories) {
      const byToken = repositories.length > 0 && repositories.every((name) => lasting.includes(name));
      if (!byToken || random.chance(0.15)) return basic;
      const key = [...repositories].sort().join(' ');
      const before = held.get(key);
      if (before && (await before).renewAt > performance.now()) return (await before).header;
      const fresh = fetch(door, repositories);
      held.set(key, fresh);
      // Whoever waits for it hears of the failure; the next one asks again.
      fresh.catch(() => held.delete(key));
      return (await fresh).header;
    },
    issued: () => ({ tokens, refreshed }),
  };
}
