import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from './_client.ts';
import { pushImage } from './_content.ts';
import { type Berth, startBerth } from './_server.ts';

// An answer that was given before may be given again; never after a change that somebody was told of.
describe('a pull that was answered before', () => {
  let berth: Berth;
  beforeAll(async () => {
    berth = await startBerth();
  });
  afterAll(() => berth[Symbol.asyncDispose]());

  /** Asks until the answer is one that was kept, and answers its status and digest. */
  async function pull(client: Client, path: string): Promise<[number, unknown]> {
    await client('GET', path);
    await client('GET', path);
    const last = await client('GET', path);
    return [last.status, last.headers['docker-content-digest']];
  }

  it('has the bytes, the length and the headers of the first answer, and an id of its own', async () => {
    const image = await pushImage(berth.admin, 'kept/same', 'a', 'same');
    const path = '/v2/kept/same/manifests/a';
    const first = await berth.admin('GET', path);
    const second = await berth.admin('GET', path);
    const third = await berth.admin('GET', path);
    for (const answer of [first, second, third]) expect(answer.body).toEqual(image.bytes);
    const id = 'x-ms-correlation-request-id';
    const rest = ({ headers }: typeof first) => ({ ...headers, [id]: '', date: '' });
    expect(rest(second)).toEqual(rest(first));
    expect(rest(third)).toEqual(rest(first));
    expect(new Set([first, second, third].map((answer) => answer.headers[id])).size).toBe(3);
    const head = await berth.admin('HEAD', path);
    const again = await berth.admin('HEAD', path);
    expect([again.status, again.body.length, again.headers['content-length']]).toEqual([200, 0, String(image.size)]);
    expect(rest(again)).toEqual(rest(head));
  });

  it('follows a tag that was moved and then deleted', async () => {
    const one = await pushImage(berth.admin, 'kept/moved', 'a', 'one');
    const path = '/v2/kept/moved/manifests/a';
    expect(await pull(berth.admin, path)).toEqual([200, one.digest]);
    const two = await pushImage(berth.admin, 'kept/moved', 'a', 'two');
    expect(await pull(berth.admin, path)).toEqual([200, two.digest]);
    expect((await berth.admin('DELETE', path)).status).toBe(202);
    expect((await pull(berth.admin, path))[0]).toBe(404);
  });

  it('is refused once the image is locked', async () => {
    await pushImage(berth.admin, 'kept/locked', 'a', 'locked');
    const path = '/v2/kept/locked/manifests/a';
    expect((await pull(berth.admin, path))[0]).toBe(200);
    const lock = await berth.admin('PATCH', '/acr/v1/kept/locked/_tags/a', {
      body: JSON.stringify({ readEnabled: false }),
      headers: { 'content-type': 'application/json' },
    });
    expect(lock.status).toBe(200);
    expect((await pull(berth.admin, path))[0]).not.toBe(200);
  });

  it('is refused to somebody else, to nobody, and to whoever was removed', async () => {
    await pushImage(berth.admin, 'kept/rights', 'a', 'rights');
    const path = '/v2/kept/rights/manifests/a';
    const reader = await berth.createToken('kept-reader', { 'kept/rights': ['content/read'] });
    const other = await berth.createToken('kept-other', { 'kept/others': ['content/read'] });
    expect((await pull(berth.as(reader), path))[0]).toBe(200);
    expect((await pull(berth.as(other), path))[0]).toBe(401);
    expect((await pull(berth.nobody, path))[0]).toBe(401);
    await berth.operator('DELETE', '/registries/-/tokens/kept-reader');
    expect((await pull(berth.as(reader), path))[0]).toBe(401);
  });

  it('is refused to nobody once anonymous pull is off', async () => {
    await pushImage(berth.admin, 'kept/open', 'a', 'open');
    const path = '/v2/kept/open/manifests/a';
    await berth.operator('PATCH', '/registries/-', { anonymousPull: true });
    expect((await pull(berth.nobody, path))[0]).toBe(200);
    await berth.operator('PATCH', '/registries/-', { anonymousPull: false });
    expect((await pull(berth.nobody, path))[0]).toBe(401);
  });

  it('ends with the password of its token', async () => {
    await pushImage(berth.admin, 'kept/short', 'a', 'short');
    const path = '/v2/kept/short/manifests/a';
    const end = Date.now() + 1_500;
    const reader = berth.as(await berth.createToken('kept-short', { 'kept/short': ['content/read'] }, end));
    expect((await pull(reader, path))[0]).toBe(200);
    await expect.poll(async () => (await reader('GET', path)).status, { timeout: 10_000 }).toBe(401);
    expect(Date.now()).toBeGreaterThanOrEqual(end);
  });

  it('is counted as a pull', async () => {
    const image = await pushImage(berth.admin, 'kept/pulled', 'a', 'pulled');
    const path = '/v2/kept/pulled/manifests/a';
    await pull(berth.admin, path);
    using database = new DatabaseSync(join(berth.data, 'berth.db'), { readOnly: true });
    const row = database.prepare('select pulled_ms from manifest where digest = ?');
    const time = () => row.get(image.digest)?.['pulled_ms'];
    await expect.poll(time, { timeout: 15_000 }).not.toBeNull();
    const before = time();
    await pull(berth.admin, path);
    await expect.poll(time, { timeout: 15_000 }).not.toBe(before);
  });
});

it('a pull that was answered before counts against the rate limits like any other', async () => {
  // A hundredth of tier Standard: 50 reads a minute of one identity.
  // One thread, because each counts for itself.
  await using bounded = await startBerth('--workers', '1', '--limits-rates', '0.01');
  await pushImage(bounded.admin, 'kept/counted', 'a', 'counted');
  const reader = bounded.as(await bounded.createToken('kept-counted', { 'kept/counted': ['content/read'] }));
  const statuses: number[] = [];
  while (statuses.length < 60) statuses.push((await reader('GET', '/v2/kept/counted/manifests/a')).status);
  expect([statuses.filter((status) => status === 200).length, statuses.at(-1)]).toEqual([50, 429]);
});
