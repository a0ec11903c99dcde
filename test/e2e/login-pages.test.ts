import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { azureCli, azurePowerShell, claimsOf, type LoginAnswer, type LoginClient, loginClient } from './_login.ts';
import { type Berth, startBerth } from './_server.ts';

let berth: Berth;
let login: LoginClient;
beforeAll(async () => {
  berth = await startBerth();
  login = await loginClient(berth);
});
afterAll(() => berth[Symbol.asyncDispose]());

const verifier = 'a-verifier-of-forty-three-characters-at-least';
const challenge = createHash('sha256').update(verifier).digest('base64url');
const redirectUri = 'http://localhost:8400';
const hostile = `"><script>alert(1)</script>'&`;

const request = (change: Record<string, string | undefined> = {}): string => {
  const fields = {
    client_id: azureCli,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: `${login.management}//.default offline_access openid profile`,
    state: 'the state',
    nonce: 'the nonce',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    prompt: 'select_account',
    client_info: '1',
    ...change,
  };
  const given = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `/organizations/oauth2/v2.0/authorize?${new URLSearchParams(given).toString()}`;
};
const sealedIn = (page: LoginAnswer): string => /name="state" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
const cookieOf = (page: LoginAnswer): string => String(page.headers['set-cookie']).split(';')[0] ?? '';
const locationOf = (answer: LoginAnswer): URL => new URL(String(answer.headers.location));

async function open(change: Record<string, string | undefined> = {}) {
  const page = await login('GET', request(change));
  expect(page.status, page.text).toBe(200);
  return { page, state: sealedIn(page), cookie: cookieOf(page) };
}
const submit = (
  { state, cookie }: { state: string; cookie: string },
  change: Record<string, string> = {},
  path = '/login',
): Promise<LoginAnswer> => {
  const { username, password } = berth.operatorUser;
  return login('POST', path, { headers: { cookie }, form: { state, username, password, action: 'go', ...change } });
};
const redeem = (code: string | null, change: Record<string, string> = {}) =>
  login.token({
    client_id: azureCli,
    grant_type: 'authorization_code',
    code: String(code),
    redirect_uri: redirectUri,
    code_verifier: verifier,
    client_info: '1',
    ...change,
  });

describe('the page for signing in', () => {
  it('leads back with a code and the state, and the code is good for tokens once', async () => {
    const answer = await submit(await open());
    expect(answer.status, answer.text).toBe(303);
    const back = locationOf(answer);
    expect(back.origin).toBe(redirectUri);
    expect(back.searchParams.get('state')).toBe('the state');
    expect(back.searchParams.get('client_info')).toMatch(/^[\w-]+$/);
    const code = back.searchParams.get('code');

    const tokens = (await redeem(code)).json();
    expect(claimsOf(tokens['id_token'])).toMatchObject({ nonce: 'the nonce', aud: azureCli });
    expect(claimsOf(tokens['access_token'])['aud']).toBe(`${login.management}/`);

    const again = await redeem(code);
    expect(again.json()).toMatchObject({ error: 'invalid_grant', error_codes: [54005] });
    // Whoever has the code may have the tokens: what they renew has ended.
    const renewed = await login.token({
      client_id: azureCli,
      grant_type: 'refresh_token',
      refresh_token: String(tokens['refresh_token']),
      scope: 'https://graph.microsoft.com/.default',
    });
    expect(renewed.json()).toMatchObject({ error: 'invalid_grant' });
  });

  it.each([
    ['another verifier', { code_verifier: 'b'.repeat(43) }],
    ['another address', { redirect_uri: 'http://localhost:8401' }],
    ['another client', { client_id: azurePowerShell }],
    ['a verifier that is none', { code_verifier: 'short' }],
  ])('gives out codes that are no good with %s', async (_, change) => {
    const code = locationOf(await submit(await open())).searchParams.get('code');
    expect((await redeem(code, change)).json()).toMatchObject({ error: 'invalid_grant' });
  });

  it('answers in the fragment and by a form as it is asked', async () => {
    const fragment = locationOf(await submit(await open({ response_mode: 'fragment' })));
    expect(fragment.search).toBe('');
    expect(new URLSearchParams(fragment.hash.slice(1)).get('state')).toBe('the state');
    const posted = await submit(await open({ response_mode: 'form_post', state: hostile }));
    expect(posted.status).toBe(200);
    expect(posted.text).toContain(`action="${redirectUri}"`);
    expect(posted.text).toContain('value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;"');
    expect(posted.text).not.toContain('<script>alert');
    expect(posted.headers['content-security-policy']).toMatch(/script-src 'sha256-/);
  });

  it('is closed to everything but itself and the way back', async () => {
    const { page } = await open();
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`form-action 'self' ${redirectUri}`);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("base-uri 'none'");
    expect(policy).not.toMatch(/unsafe|script-src/);
    expect(page.headers).toMatchObject({
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(String(page.headers['set-cookie'])).toMatch(
      /^__Host-berth-browser=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    );
    expect(page.text).toMatch(/autocomplete="username"/);
    expect(page.text).toMatch(/autocomplete="current-password"/);
    expect(page.text).not.toContain('<script');
  });

  it('stays where it is after a wrong password, and says so', async () => {
    const opened = await open();
    const wrong = await submit(opened, { password: 'wrong', username: hostile });
    expect(wrong.status).toBe(400);
    expect(wrong.text).toContain('<p role="alert">User name or password is wrong.</p>');
    expect(wrong.text).not.toContain(hostile);
    expect((await submit({ ...opened, state: sealedIn(wrong) })).status).toBe(303);
  });

  it('leads back without a code when it is declined', async () => {
    const back = locationOf(await submit(await open(), { action: 'cancel', password: '' }));
    expect(back.searchParams.get('error')).toBe('access_denied');
    expect(back.searchParams.get('state')).toBe('the state');
    expect(back.searchParams.has('code')).toBe(false);
  });

  it('believes no form from another browser, of another page, or changed', async () => {
    const opened = await open();
    const other = await open();
    const stale = async (answer: Promise<LoginAnswer>) => {
      const { status, text, headers } = await answer;
      expect(status).toBe(400);
      expect(text).toContain('begin again');
      expect(headers.location).toBeUndefined();
    };
    await stale(submit({ ...opened, cookie: '' }));
    await stale(submit({ ...opened, cookie: other.cookie }));
    await stale(submit({ ...opened, state: '' }));
    const [body = '', code = ''] = opened.state.split('.');
    const read = JSON.parse(Buffer.from(body, 'base64url').toString()) as { state: Record<string, string> };
    const changed = { ...read, state: { ...read.state, redirectUri: 'https://evil.example' } };
    await stale(submit({ ...opened, state: `${Buffer.from(JSON.stringify(changed)).toString('base64url')}.${code}` }));
    const device = await login('GET', '/devicelogin', { headers: { cookie: opened.cookie } });
    await stale(submit({ state: sealedIn(device), cookie: opened.cookie }));
  });

  it.each([
    ['https://evil.example'],
    ['http://localhost.evil.example'],
    ['http://localhost:80@evil.example'],
    ['http://localhost:8400/somewhere'],
    ['http://localhost:8400//evil.example'],
    ['http://localhost:8400?x=y'],
    ['http://127.0.0.1.evil.example'],
    ['http://localhost:999999'],
    ['javascript:alert(1)'],
    ['//localhost'],
    ['/\\evil.example'],
    ['urn:ietf:wg:oauth:2.0:oob'],
    [undefined],
  ])('leads nobody to %s', async (uri) => {
    const answer = await login('GET', request({ redirect_uri: uri }));
    expect(answer.status).toBe(400);
    expect(answer.headers.location).toBeUndefined();
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
  });

  it('leads nobody anywhere for a client that is not there, and shows what it heard as text', async () => {
    const answer = await login('GET', request({ client_id: hostile }));
    expect(answer.status).toBe(400);
    expect(answer.headers.location).toBeUndefined();
    expect(answer.text).not.toContain(hostile);
    const hinted = await login('GET', request({ login_hint: hostile }));
    expect(hinted.text).toContain('value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;"');
  });

  it.each([
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ response_type: 'code id_token' }, 'unsupported_response_type'],
    [{ code_challenge: undefined }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ code_challenge_method: undefined }, 'invalid_request'],
    [{ scope: 'https://evil.example/.default' }, 'invalid_resource'],
    [{ prompt: 'none' }, 'login_required'],
    [{ response_mode: 'web_message' }, 'invalid_request'],
  ])('tells the client what is wrong with %j', async (change, error) => {
    const answer = await login('GET', request(change));
    expect(answer.status).toBe(303);
    const back = locationOf(answer);
    expect(back.origin).toBe(redirectUri);
    expect(back.searchParams.get('error')).toBe(error);
    expect(back.searchParams.get('state')).toBe('the state');
  });

  it('knows the first protocol, which names its resource', async () => {
    const path = request({ scope: undefined, resource: 'https://management.core.windows.net/' }).replace('/v2.0', '');
    const page = await login('GET', path);
    const code = locationOf(await submit({ state: sealedIn(page), cookie: cookieOf(page) })).searchParams.get('code');
    const form = {
      client_id: azureCli,
      grant_type: 'authorization_code',
      code: String(code),
      redirect_uri: redirectUri,
    };
    const more = { code_verifier: verifier, resource: 'https://management.core.windows.net/' };
    const answer = await login.token({ ...form, ...more }, '/common/oauth2/token');
    expect(answer.json()).toMatchObject({
      resource: 'https://management.core.windows.net/',
      refresh_token: expect.any(String),
    });
  });

  it('keeps nobody signed in, so signing out leads nowhere', async () => {
    const answer = await login('GET', '/common/oauth2/v2.0/logout?post_logout_redirect_uri=https://evil.example');
    expect(answer.status).toBe(200);
    expect(answer.headers.location).toBeUndefined();
    expect(answer.text).not.toContain('evil.example');
  });
});

describe('the page for devices', () => {
  interface Device {
    readonly user_code: string;
    readonly device_code: string;
    readonly message: string;
  }
  const begin = async (): Promise<Device> => {
    const scope = `${login.management}//.default offline_access openid profile`;
    const form = { client_id: azureCli, scope };
    const started = await login('POST', '/organizations/oauth2/v2.0/devicecode', { form });
    expect(started.json()).toMatchObject({
      verification_uri: `${login.base}/devicelogin`,
      expires_in: 900,
      interval: 5,
      user_code: expect.stringMatching(/^[B-Z]{8}$/),
    });
    return started.json<Device & Record<string, unknown>>();
  };
  // As az asks: the code under both names, and no scope.
  const poll = (device: Device) =>
    login.token({
      client_id: azureCli,
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      client_info: '1',
      code: device.device_code,
      device_code: device.device_code,
    });
  const openPage = async () => {
    const page = await login('GET', '/devicelogin');
    return { state: sealedIn(page), cookie: cookieOf(page) };
  };
  const typeCode = async (code: string) => {
    const opened = await openPage();
    const page = await login('POST', '/devicelogin', {
      headers: { cookie: opened.cookie },
      form: { state: opened.state, code },
    });
    return { page, state: sealedIn(page), cookie: opened.cookie };
  };

  it('shows who asks, and signs the device in', async () => {
    const device = await begin();
    const typed = await typeCode(` ${device.user_code.slice(0, 4).toLowerCase()}-${device.user_code.slice(4)} `);
    expect(typed.page.text).toContain('<strong>Azure CLI</strong>');
    expect(typed.page.text).toContain('If somebody sent you the code, decline');
    const done = await submit(typed, {}, '/devicelogin');
    expect(done.status, done.text).toBe(200);
    expect(done.text).not.toContain('<form');
    const tokens = (await poll(device)).json();
    expect(tokens).toMatchObject({
      scope: `${login.management}//.default openid profile`,
      refresh_token: expect.any(String),
    });
    expect((await poll(device)).json()).toMatchObject({ error: 'invalid_grant' });
  });

  it('leaves it waiting until then, and slows down who asks too often', async () => {
    const device = await begin();
    const first = await poll(device);
    expect(first.status).toBe(400);
    expect(first.json()).toMatchObject({ error: 'authorization_pending' });
    expect((await poll(device)).json()).toMatchObject({ error: 'slow_down' });
    const wrong = await submit(await typeCode(device.user_code), { password: 'wrong' }, '/devicelogin');
    expect(wrong.status).toBe(400);
    expect(wrong.text).toContain('User name or password is wrong.');
  });

  it('can be declined, which the device hears', async () => {
    const device = await begin();
    const declined = await submit(await typeCode(device.user_code), { action: 'cancel', password: '' }, '/devicelogin');
    expect(declined.text).toContain('The device was not signed in.');
    expect((await poll(device)).json()).toMatchObject({ error: 'authorization_declined' });
    expect((await typeCode(device.user_code)).page.status).toBe(400);
  });

  it('does not take a code from its address, nor a second step without the first', async () => {
    const device = await begin();
    const prefilled = await login('GET', `/devicelogin?user_code=${device.user_code}`);
    expect(prefilled.text).not.toContain(device.user_code);
    const opened = await openPage();
    const skipped = await submit(opened, { code: '' }, '/devicelogin');
    expect(skipped.status).toBe(400);
    expect((await poll(device)).json()).toMatchObject({ error: 'authorization_pending' });
  });

  // Each thread counts for itself, so that several take longer to say so.
  it('lets nobody try codes for long', async () => {
    let last: LoginAnswer | undefined;
    for (let tries = 0; tries < 200 && last?.status !== 429; tries++) last = (await typeCode('BBBBBBBB')).page;
    expect(last?.status).toBe(429);
    expect(Number(last?.headers['retry-after'])).toBeGreaterThan(0);
  });
});
