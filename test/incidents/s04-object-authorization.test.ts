// S4, object-level authorization. In Harbor a project administrator changed robots, tag rules and metadata of other projects
// by their ids in the path (CVE-2022-31667…31671, CVE-2024-22278), and anybody made himself admin (CVE-2019-16097).
// Every principal against every route of one registry: test/e2e/authorization.test.ts. Here: ids of others.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, client } from '../e2e/_client.ts';
import { digestOf, openUpload, type Pushed, pushBlob, pushImage } from '../e2e/_content.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { accessToken } from '../e2e/_tokens.ts';
import { aimedAt, repositoryRoutes, secondRegistry } from './_matrix.ts';

const everything = ['content/read', 'content/write', 'content/delete', 'metadata/read', 'metadata/write'];
const theirs = 'tenant/app';

let berth: Berth;
let image: Pushed;
let upload: string;
let intruders: Record<string, Client>;
beforeAll(async () => {
  berth = await startBerth();
  const second = await secondRegistry(berth, 'secondone');
  image = await pushImage(berth.admin, theirs, 'v1', 'theirs');
  await pushBlob(berth.admin, theirs, 'loose');
  upload = (await openUpload(berth.admin, theirs)).split('/').at(-1) ?? '';
  const person = await berth.createToken('intruder', { 'intruder/*': everything, [`${theirs}x`]: everything });
  const below = await berth.createToken('below', { [`${theirs}/*`]: everything });
  const made = await berth.operator('POST', '/registries/secondone/tokens', {
    name: 'intruder',
    actions: everything.map((action) => `repositories/*/${action}`),
  });
  const homonym = {
    username: 'intruder',
    password: (made as { passwords: { value: string }[] }).passwords[0]?.value ?? '',
  };
  intruders = {
    'a token of its own repositories': berth.as(person),
    'a bearer of its own repositories': berth.bearer(await accessToken(berth.as(person), `repository:${theirs}:*`)),
    'a bearer that asked for everything': berth.bearer(await accessToken(berth.as(person), 'repository:*:*')),
    'a token of what lies below the name': berth.as(below),
    'the admin of another registry': client({ address: berth.address, authorization: second.authorization }),
    'a bearer of the admin of another registry': berth.bearer(
      await accessToken(second.admin, `repository:${theirs}:*`),
    ),
    'a token of the same name in another registry': berth.as(homonym),
  };
});
afterAll(() => berth[Symbol.asyncDispose]());

async function expectUntouched(): Promise<void> {
  expect((await berth.admin('GET', `/v2/${theirs}/manifests/v1`)).body.equals(image.bytes)).toBe(true);
  expect((await berth.admin('GET', `/v2/${theirs}/tags/list`)).json()['tags']).toEqual(['v1']);
  expect((await berth.admin('GET', `/v2/${theirs}/blobs/${digestOf('loose')}`)).text).toBe('loose');
  expect((await berth.admin('GET', `/v2/${theirs}/blobs/uploads/${upload}`)).headers['range']).toBe('0-0');
  expect((await berth.admin('GET', `/acr/v1/${theirs}`)).json()['changeableAttributes']).toMatchObject({
    readEnabled: true,
    deleteEnabled: true,
  });
}

describe('what belongs to others (S4)', () => {
  it.each(repositoryRoutes)('$method $id is closed to every intruder, by name and by id', async ({ method, route }) => {
    for (const [who, intruder] of Object.entries(intruders)) {
      for (const reference of ['v1', image.digest]) {
        const aim = { repository: theirs, reference, digest: image.digest, upload };
        const { path, ...options } = aimedAt(route, method, aim);
        const answer = await intruder(method, path, options);
        expect({ who, path, status: answer.status }).toEqual({ who, path, status: 401 });
        expect(answer.text).not.toContain(image.digest);
      }
    }
    await expectUntouched();
  });

  it('is not reached through the own repository either, whose ids they are not', async () => {
    const own = 'intruder/app';
    const intruder = intruders['a token of its own repositories'] as Client;
    await pushImage(intruder, own, 'mine', 'mine');
    for (const { method, route } of repositoryRoutes) {
      if (!/\{(reference|digest|id)\}/.test(route.pattern) || ['v2.referrers', 'v2.manifest.put'].includes(route.id))
        continue;
      const aim = { repository: own, reference: image.digest, digest: image.digest, upload };
      const { path, ...options } = aimedAt(route, method, aim);
      const answer = await intruder(method, path, options);
      expect({ path, method, status: answer.status }).toEqual({ path, method, status: 404 });
    }
    const referrers = await intruder('GET', `/v2/${own}/referrers/${image.digest}`);
    expect(referrers.json()['manifests']).toEqual([]);
    await expectUntouched();
  });
});

describe('the operations of the operator', () => {
  const paths = [
    '/status',
    '/config',
    '/registries',
    '/registries/-',
    '/registries/-/credentials',
    '/registries/-/tokens',
  ];

  it('are at no door of the registry, for nobody and not for its admin', async () => {
    for (const path of [...paths, '/registries/-/credentials/password', '/metrics', '/healthz']) {
      for (const who of [berth.admin, berth.nobody, ...Object.values(intruders)]) {
        for (const method of ['GET', 'POST', 'PATCH', 'DELETE'] as const) {
          expect([401, 404], `${method} ${path}`).toContain((await who(method, path, { body: '{}' })).status);
        }
      }
    }
  });

  it('take a registry by its name only: the ids of one open nothing of another', async () => {
    await berth.createToken('onlyfirst', { 'a/b': ['content/read'] });
    await expect(berth.operator('DELETE', '/registries/secondone/tokens/onlyfirst')).rejects.toThrow();
    const first = (await berth.operator('GET', '/registries/-/tokens')) as { tokens: { name: string }[] };
    expect(first.tokens.map((token) => token.name)).toContain('onlyfirst');
    const second = (await berth.operator('GET', '/registries/secondone/tokens')) as { tokens: { name: string }[] };
    expect(second.tokens.map((token) => token.name)).toEqual(['intruder']);
  });

  it.each(['..', '.', '%2e%2e', '1', '0', 'secondone%00', 'secondone%2f..', 'secondone ', '*', '%25', '__proto__'])(
    'know no registry, token or password called "%s"',
    async (name) => {
      const odd = encodeURIComponent(decodeURIComponent(name));
      for (const [method, path] of [
        ['GET', `/registries/${odd}`],
        ['PATCH', `/registries/${odd}`],
        ['DELETE', `/registries/${odd}`],
        ['GET', `/registries/${odd}/credentials`],
        ['POST', `/registries/-/credentials/${odd}`],
        ['DELETE', `/registries/-/tokens/${odd}`],
      ] as const) {
        await expect(berth.operator(method, path, method === 'PATCH' ? {} : undefined), path).rejects.toThrow(/\w/);
      }
      expect(((await berth.operator('GET', '/registries')) as { registries: object[] }).registries).toHaveLength(2);
    },
  );
});
