import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, Client } from './_client.ts';
import { pushImage } from './_content.ts';
import { type Berth, startBerth } from './_server.ts';
import { postForm } from './_tokens.ts';

const repository = 'team/app';

let berth: Berth;
beforeAll(async () => {
  // A thousandth of tier Standard: 10 reads a minute on the registry, 5 of one identity, 2 and 1 writes, 10 sign-ins.
  berth = await startBerth('--limits-rates', '0.001');
});
afterAll(() => berth[Symbol.asyncDispose]());

/** Asks until it is refused; answers the refusal and how many were taken before. */
async function untilRefused(ask: () => Promise<Answer>): Promise<{ taken: number; refused: Answer }> {
  for (let taken = 0; taken < 50; taken++) {
    const answer = await ask();
    if (answer.status === 429) return { taken, refused: answer };
  }
  throw new Error('nothing was refused');
}

const metricsPage = (): Promise<string> =>
  new Promise((resolve, reject) => {
    request({ socketPath: `${berth.data}/berth.sock`, path: '/metrics' }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(text));
    })
      .on('error', reject)
      .end();
  });

describe('too many requests', () => {
  it('of one identity are 429 with a Retry-After that counts down, while others are served', async () => {
    const person = await berth.createToken('reader', { [repository]: ['content/read'] });
    const client = berth.as(person);
    const { taken, refused } = await untilRefused(() => client('GET', '/v2/'));
    expect(taken).toBe(5);
    expect(refused.code).toBe('TOOMANYREQUESTS');
    expect(refused.json<{ errors: { message: string }[] }>().errors[0]?.message).toContain(
      String(refused.headers['x-ms-correlation-request-id']),
    );
    const first = Number(refused.headers['retry-after']);
    expect(first).toBeGreaterThan(50);
    expect(first).toBeLessThanOrEqual(60);
    const later = async () => Number((await client('GET', '/v2/')).headers['retry-after']);
    await expect.poll(later, { timeout: 10_000, interval: 200 }).toBeLessThan(first - 1);
    const other = await berth.createToken('other', { [repository]: ['content/read'] });
    expect((await berth.as(other)('GET', '/v2/')).status).toBe(200);
    expect(await metricsPage()).toMatch(/^berth_throttled_requests_total\{category="read",scope="identity"\} [1-9]/m);
  });

  it('of the admin are counted over both passwords, writes apart from reads', async () => {
    const shown = (await berth.operator('GET', '/registries/-/credentials')) as { passwords: { value: string }[] };
    const [first, second] = shown.passwords.map(({ value }) => berth.as({ username: berth.username, password: value }));
    const push = (client: Client | undefined) =>
      (client as Client)('POST', `/v2/${repository}/blobs/uploads/`).then((answer) => answer.status);
    expect([await push(first), await push(second)]).toEqual([202, 429]);
  });

  it('at the token endpoint are 429 before any password is looked at', async () => {
    const ask = () => postForm(berth.nobody, { grant_type: 'password', username: 'nobody', password: 'x' });
    const { taken, refused } = await untilRefused(ask);
    expect(taken).toBe(10);
    expect(refused.json()).toMatchObject({ error: 'temporarily_unavailable', errors: [{ code: 'TOOMANYREQUESTS' }] });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(50);
  });

  it('of nobody in particular are those of one identity, and count against the registry', async () => {
    await berth.operator('POST', '/registries', { name: 'quiet' });
    const { taken } = await untilRefused(() => berth.at('quiet')('GET', '/v2/'));
    expect(taken).toBe(5);
  });
});

describe('without limits.rates', () => {
  it('nobody is refused, however often he asks', async () => {
    await using free = await startBerth();
    await pushImage(free.admin, repository, 'v1', 'rates');
    const answers = await Promise.all(
      Array.from({ length: 500 }, () => free.admin('GET', `/v2/${repository}/manifests/v1`)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });
});
