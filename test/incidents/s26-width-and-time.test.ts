// S26, widths of numbers and time. Harbor kept ids in 32 bits and times that end in 2038 (#23718, #23633). Berth keeps
// milliseconds and sizes in 64 bits; here whole servers run under other clocks, and every number of the wire at its edges.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, manualClock, randomIds, stampClock } from '../../src/kernel/index.ts';
import { startApp } from '../../src/main/app.ts';
import { loadConfig } from '../../src/main/config.ts';
import { openLog } from '../../src/main/log.ts';
import { basic, type Client, client } from '../e2e/_client.ts';
import { descriptorOf, digestOf, imageOf, ociManifest, openUpload, pushBlob, pushImage } from '../e2e/_content.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { accessToken, claimsOf, postForm } from '../e2e/_tokens.ts';

const day = 86_400_000;

interface Running extends AsyncDisposable {
  readonly admin: Client;
  readonly nobody: Client;
  bearer(token: string): Client;
  readonly person: { readonly username: string; readonly password: string };
}

/** A server of this process on a folder, under a clock. */
async function startAt(folder: string, clock: Clock, known?: { username: string; password: string }): Promise<Running> {
  const flags = { data: folder, domain: 'clock.localhost', httpListen: '127.0.0.1:0', httpsListen: '127.0.0.1:0' };
  const loaded = loadConfig({ flags, env: {}, home: folder, folder, readFile: () => undefined });
  const log = openLog({ level: 'fatal', access: false });
  const running = await startApp({ loaded, clock, ids: randomIds, log });
  const address = running.ready.loginServer;
  const person = known ?? { username: String(running.ready.username), password: String(running.ready.password) };
  return {
    person,
    admin: client({ address, authorization: basic(person.username, person.password) }),
    nobody: client({ address }),
    bearer: (token) => client({ address, authorization: `Bearer ${token}` }),
    [Symbol.asyncDispose]: () => running.stop(),
  };
}

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-clock-'));
  try {
    await work(join(folder, 'data'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Push, pull, lists, locks and tokens; what a day of a registry is made of. */
async function live(running: Running, repository: string, now: number): Promise<void> {
  const image = await pushImage(running.admin, repository, 'v1', `at ${now}`);
  expect((await running.admin('GET', `/v2/${repository}/manifests/v1`)).body.equals(image.bytes)).toBe(true);
  const { tag } = (await running.admin('GET', `/acr/v1/${repository}/_tags/v1`)).json<{
    tag: Record<string, string>;
  }>();
  expect(tag['createdTime']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);
  expect(Math.abs(Date.parse(String(tag['lastUpdateTime'])) - now)).toBeLessThan(day);
  for (const order of ['timeasc', 'timedesc']) {
    const listed = await running.admin('GET', `/acr/v1/${repository}/_tags?orderby=${order}&n=1`);
    expect(listed.status).toBe(200);
  }
  const location = await openUpload(running.admin, repository);
  expect((await running.admin('PATCH', location, { body: 'abc' })).status).toBe(202);
  expect((await running.admin('PUT', `${location}?digest=${digestOf('abc')}`)).status).toBe(201);
  const token = await accessToken(running.admin, `repository:${repository}:pull`);
  const claims = claimsOf(token);
  expect(Math.abs(Number(claims.iat) * 1000 - now)).toBeLessThan(day);
  expect(Number(claims.exp)).toBeGreaterThan(Number(claims.iat));
  expect((await running.bearer(token)('GET', `/v2/${repository}/manifests/v1`)).status).toBe(200);
}

const moments: [string, number][] = [
  ['the second after 2^31', 2 ** 31 * 1000 + 1000],
  ['2050, where certificates write years in another form', Date.UTC(2050, 0, 1, 0, 0, 1)],
  ['the second after 2^32', 2 ** 32 * 1000 + 1000],
  ['2200', Date.UTC(2200, 5, 1)],
  ['the year 9900', Date.UTC(9900, 0, 1)],
];

describe('a server at (S26)', () => {
  it.each(moments)('%s starts, serves and starts again', async (_, now) =>
    withFolder(async (folder) => {
      const clock = manualClock(now);
      let person: Running['person'];
      {
        await using running = await startAt(folder, clock);
        person = running.person;
        await live(running, 'far/future', now);
      }
      clock.advance(day);
      await using again = await startAt(folder, clock, person);
      expect((await again.admin('GET', '/v2/far/future/manifests/v1')).status).toBe(200);
      await live(again, 'far/later', now + day);
    }),
  );

  it('the moment before 2^31 goes over it without a restart, and its tokens and refresh tokens live on', async () =>
    withFolder(async (folder) => {
      const clock = manualClock(2 ** 31 * 1000 - 30_000);
      await using running = await startAt(folder, clock);
      await live(running, 'over/edge', clock.now());
      const token = await accessToken(running.admin, 'repository:over/edge:pull');
      const form = { grant_type: 'password', access_type: 'offline', ...running.person };
      const refresh = String((await postForm(running.nobody, form)).json()['refresh_token']);
      clock.advance(60_000);
      expect(clock.now()).toBeGreaterThan(2 ** 31 * 1000);
      expect((await running.bearer(token)('GET', '/v2/over/edge/manifests/v1')).status).toBe(200);
      const renewed = await postForm(running.nobody, { grant_type: 'refresh_token', refresh_token: refresh });
      expect(renewed.status).toBe(200);
      await live(running, 'over/there', clock.now());
      clock.advance(day);
      expect((await running.bearer(token)('GET', '/v2/over/edge/manifests/v1')).status).toBe(401);
    }));

  it('a time that goes back by a day loses nothing, and orders what comes after behind what was', async () =>
    withFolder(async (folder) => {
      const clock = manualClock(Date.UTC(2030, 0, 10));
      await using running = await startAt(folder, clock);
      const first = await pushImage(running.admin, 'back/app', 'v1', 'first');
      const token = await accessToken(running.admin, 'repository:back/app:pull');
      clock.advance(-day);
      const second = await pushImage(running.admin, 'back/app', 'v1', 'second');
      const held = (await running.admin('GET', '/v2/back/app/manifests/v1')).headers['docker-content-digest'];
      expect([held, first.digest === second.digest]).toEqual([second.digest, false]);
      // A token from what is now the future is not yet good elsewhere, and no later than it said it ends.
      expect([200, 401]).toContain((await running.bearer(token)('GET', '/v2/back/app/manifests/v1')).status);
      await live(running, 'back/again', clock.now());
      clock.advance(2 * day);
      expect((await running.bearer(token)('GET', '/v2/back/app/manifests/v1')).status).toBe(401);
      await live(running, 'back/later', clock.now());
    }));
});

describe('stamps (S26)', () => {
  it('rise through every edge of time, and when the clock goes back', () => {
    const edges = [0, 2 ** 31 * 1000, 2 ** 32 * 1000, Date.UTC(9999, 11, 31), 2 ** 47, 2 ** 48 - 1];
    for (const edge of edges) {
      let now = edge;
      const stamps = stampClock({ now: () => now, regionOrdinal: 65_535 });
      const made = [stamps.next()];
      for (const step of [1, -1, -1000, -edge, 0, 1000]) {
        now = Math.max(0, Math.min(2 ** 48 - 1, now + step));
        made.push(stamps.next());
      }
      expect(made.toSorted()).toEqual(made);
      expect(new Set(made).size).toBe(made.length);
      for (const stamp of made) expect(stamp).toMatch(/^[0-9a-f]{16}-ffff$/);
    }
  });

  it('from another region that is years ahead are followed, not doubted', () => {
    const ahead = stampClock({ now: () => Date.UTC(2100, 0, 1), regionOrdinal: 2 }).next();
    const here = stampClock({ now: () => Date.UTC(2026, 0, 1), regionOrdinal: 1 });
    here.observe(ahead);
    expect(here.next() > ahead).toBe(true);
  });
});

describe('numbers of the wire (S26)', () => {
  let berth: Berth;
  beforeAll(async () => {
    berth = await startBerth();
    await pushBlob(berth.admin, 'wide/app', '0123456789');
  });
  afterAll(() => berth[Symbol.asyncDispose]());

  const edges = [2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n];

  it.each(edges)('%s is itself in Range, Content-Range, sizes and pages, or refused', async (edge) => {
    const path = `/v2/wide/app/blobs/${digestOf('0123456789')}`;
    const range = async (text: string) => {
      const { status, text: body } = await berth.admin('GET', path, { headers: { range: `bytes=${text}` } });
      return { status, body: status === 416 ? '' : body };
    };
    expect(await range(`0-${edge}`)).toEqual({ status: 206, body: '0123456789' });
    expect(await range(`-${edge}`)).toEqual({ status: 206, body: '0123456789' });
    expect(await range(`${edge}-`)).toEqual({ status: 416, body: '' });
    expect(await range(`${edge}-${edge + 1n}`)).toEqual({ status: 416, body: '' });
    expect(await range(`${edge + 1n}-${edge}`)).toEqual({ status: 200, body: '0123456789' });

    const location = await openUpload(berth.admin, 'wide/app');
    for (const [text, statuses] of [
      [`${edge}-${edge + 2n}`, [400, 416]],
      [`0-${edge}`, [400]],
      [`${edge}-0`, [400]],
      [`bytes 0-2/${edge}`, [202, 400]],
    ] as const) {
      const answer = await berth.admin('PATCH', location, { body: 'abc', headers: { 'content-range': text } });
      expect(statuses, text).toContain(answer.status);
      if (answer.status === 202) break;
      expect((await berth.admin('GET', location)).headers['range']).toBe('0-0');
    }

    const layer = { ...descriptorOf('x', 'application/vnd.oci.image.layer.nondistributable.v1.tar') };
    const body = JSON.stringify(imageOf('wide', { layers: [{ ...layer, size: 'SIZE' }] })).replace(
      '"SIZE"',
      String(edge),
    );
    await pushBlob(berth.admin, 'wide/app', '{}');
    const headers = { 'content-type': ociManifest };
    const put = await berth.admin('PUT', '/v2/wide/app/manifests/wide', { body, headers });
    expect(put.status, put.text).toBe(edge < 2n ** 53n - 2n ? 201 : 400);
    if (put.status === 201) {
      const shown = (await berth.admin('GET', `/acr/v1/wide/app/_manifests/${digestOf(body)}`)).text;
      expect(shown).toContain(`"imageSize":${edge + 2n},`);
    }
    expect((await berth.admin('GET', `/v2/wide/app/tags/list?n=${edge}`)).status).toBe(200);
  });

  it('are whole times for the expiry of a password: at the edges it is good, and no number is never', async () => {
    const edges = [2 ** 31 * 1000, 2 ** 32 * 1000, Date.UTC(9999, 11, 31), Number.MAX_SAFE_INTEGER];
    for (const [index, expires] of edges.entries()) {
      const person = await berth.createToken(`edge-${index}`, { 'wide/app': ['content/read'] }, expires);
      const one = berth.as(person);
      expect((await one('GET', '/v2/')).status, String(expires)).toBe(200);
      const token = await accessToken(one, 'repository:wide/app:pull');
      expect((await berth.bearer(token)('GET', '/v2/wide/app/tags/list')).status).toBe(200);
    }
    for (const expires of [0, -1, 1.5, 2 ** 53, 1e300, Number.NaN]) {
      const body = { name: 'never-made', actions: ['repositories/a/content/read'], expiresMs: expires };
      const made = berth.operator('POST', '/registries/-/tokens', body);
      // JSON writes what is no number as null, which is "never" and said so.
      if (Number.isNaN(expires)) await expect(made).resolves.toBeDefined();
      else await expect(made, String(expires)).rejects.toThrow('expiresMs');
    }
  });
});
