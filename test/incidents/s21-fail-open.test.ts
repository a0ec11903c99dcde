// S21, checks that fail open. The MCP registry took 429 for yes (GHSA-2v5f), notation and cosign took an error for a proof,
// OPA's filter judged `//admin` where the service served `/admin`. Here every gate with its backend failing, and every path
// that gate and router could read differently. More of both: test/e2e/fail-closed.test.ts, test/e2e/paths.test.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultPlan, faultyDatabase } from '../../src/adapters/faulty/index.ts';
import { sqliteEngine, type TestEngine } from '../../src/content/_engines.ts';
import { ociImage } from '../../src/content/_manifest-samples.ts';
import { app, by, repo, type TestWorld, tag, testWorld } from '../../src/content/_world.ts';
import { mayServe } from '../../src/content/may-serve.ts';
import {
  authenticator,
  type Credential,
  credentialService,
  directory,
  type TokenService,
} from '../../src/identity/index.ts';
import { digestOf, isFault, parseReference, randomIds } from '../../src/kernel/index.ts';
import type { Database, KeyWrapper } from '../../src/ports/index.ts';
import { basic } from '../e2e/_client.ts';
import { type Pushed, pushImage } from '../e2e/_content.ts';
import { exchangeRaw } from '../e2e/_raw.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';

const mostCalls = 12;

describe('with each call to the database failing in turn (S21)', () => {
  let engine: TestEngine;
  let world: TestWorld;
  beforeAll(async () => {
    engine = await sqliteEngine();
    world = await testWorld({ engine });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  });

  /** Runs what must be refused with call 1, 2, 3… failing; it may fail in any way, and never succeed. */
  async function neverSucceeds(work: (database: Database) => Promise<unknown>): Promise<void> {
    for (let nth = 1; nth <= mostCalls; nth++) {
      for (const when of ['before', 'after'] as const) {
        const plan = faultPlan({ nth, when });
        const outcome = await work(faultyDatabase(world.database, plan)).then(
          (value) => ({ succeeded: true, value }),
          () => ({ succeeded: false }),
        );
        expect({ nth, when, ...outcome }).toEqual({ nth, when, succeeded: false });
        if (!plan.fired()) return;
      }
    }
    throw new Error(`more than ${mostCalls} calls; raise the limit`);
  }

  it('a lock against reading holds for manifest, tag, blob and mount', async () => {
    const digest = await world.pushImage(app, { tag: 'v1', layers: [Buffer.from('locked layer')] });
    const blob = digestOf(Buffer.from('locked layer'));
    await world.lock(app, { kind: 'repository' }, { readEnabled: false });
    for (const reference of ['v1', digest]) {
      await neverSucceeds((database) => world.again({ database }).find(app, reference));
    }
    await neverSucceeds((database) => world.again({ database }).readBlob(app, blob));
    const mount = async (database: Database) => {
      const { blobs } = world.again({ database });
      const mounted = await blobs.mount(world.registry, repo('thief/app'), blob, { from: app, mayRead: () => true });
      if (!mounted) throw new Error('not mounted');
    };
    await neverSucceeds(mount);
    await world.lock(app, { kind: 'repository' }, { readEnabled: true });
    expect((await world.find(app, 'v1')).digest).toBe(digest);
  });

  it('a lock against writing and deleting holds for every push and deletion', async () => {
    const repository = repo('locked/app');
    const digest = await world.pushImage(repository, { tag: 'v1' });
    const other = Buffer.from(JSON.stringify(await world.imageOf(repository, { more: { annotations: { a: 'b' } } })));
    await world.lock(repository, { kind: 'tag', key: 'v1' }, { writeEnabled: false, deleteEnabled: false });
    const push = (reference: string, tags: string[]) => (database: Database) =>
      world.again({ database }).manifests.put(by('pusher'), world.registry, repository, {
        reference: parseReference(reference),
        tags: tags.map(tag),
        contentType: ociImage,
        bytes: other,
      });
    await neverSucceeds(push('v1', []));
    await neverSucceeds(push(digestOf(other), ['x', 'v1']));
    await neverSucceeds((database) => world.again({ database }).untag(repository, 'v1'));
    await neverSucceeds((database) => world.again({ database }).removeManifest(repository, digest));
    await neverSucceeds((database) => world.again({ database }).removeRepository(repository));
    expect((await world.find(repository, 'v1')).digest).toBe(digest);
  });

  it('nobody is let in, and no broken credential becomes an anonymous one', async () => {
    const wrapper: KeyWrapper = { keyId: 'plain', seal: (text) => text, open: (text) => text };
    const credentials = credentialService({ database: world.database, wrapper, ids: randomIds });
    const { registry } = world;
    await credentials.ensureAdmin(registry, by('owner'));
    const actions = ['repositories/a/content/read'];
    const gone = await credentials.createToken(registry, { name: 'deleted', actions, expiresMs: null }, by('owner'));
    await credentials.deleteToken(registry, 'deleted', by('owner'));
    const ended = await credentials.createToken(registry, { name: 'expired', actions, expiresMs: 1 }, by('owner'));
    const claims = { use: 'access', kind: 'token', tokenId: 1, credentialId: 'x', expiresAt: 9e15, restriction: null };
    const tokens = { verify: async () => claims } as unknown as TokenService;
    const directoryOf = (database: Database) => ({
      directory: directory({ database, clock: world.clock }),
      tokens: () => Promise.reject(new Error('no tokens of the directory here')),
      domain: 'berth.localhost',
    });
    const access = { ...registry, audience: registry.name, adminEnabled: true, anonymousPull: true };
    const password = (made: { passwords: readonly { value: string }[] }) => made.passwords[0]?.value ?? '';
    const offers: Credential[] = [
      { scheme: 'basic', username: registry.name, password: 'wrong' },
      { scheme: 'basic', username: 'unknown', password: 'wrong' },
      { scheme: 'basic', username: randomIds.guid(), password: 'wrong' },
      { scheme: 'basic', username: 'deleted', password: password(gone) },
      { scheme: 'basic', username: 'expired', password: password(ended) },
      { scheme: 'bearer', token: 'of a token that is gone' },
      { scheme: 'unusable' },
    ];
    for (const offer of offers) {
      await neverSucceeds((database) =>
        authenticator({ database, tokens, clock: world.clock, directory: directoryOf(database) }).authenticate(
          offer,
          access,
        ),
      );
    }
  });
});

describe('mayServe (S21)', () => {
  it('refuses every state that it does not know', () => {
    const subject = { label: 'x', repository: 'r', digest: 'd', repositoryLocks: 0, tagLocks: 0, manifestLocks: 0 };
    for (const state of [
      '',
      'LIVE',
      'live ',
      'unknown',
      'deleted',
      'condemned',
      'quarantined',
      'missing',
      '__proto__',
    ]) {
      let refused: unknown;
      try {
        mayServe({ ...subject, state });
      } catch (error) {
        refused = error;
      }
      expect(isFault(refused), state).toBe(true);
    }
  });
});

describe('a path that gate and router could read differently (S21)', () => {
  let berth: Berth;
  let image: Pushed;
  let stranger: string;
  beforeAll(async () => {
    berth = await startBerth();
    image = await pushImage(berth.admin, 'lab/app', 'v1', 'paths');
    await pushImage(berth.admin, 'other/app', 'v1', 'other');
    const person = await berth.createToken('stranger', {
      'other/*': ['content/read', 'content/write', 'content/delete'],
    });
    stranger = basic(person.username, person.password);
  });
  afterAll(() => berth[Symbol.asyncDispose]());

  const targets = [
    '//v2/lab/app/manifests/v1',
    '/v2//lab/app/manifests/v1',
    '///v2///lab///app///manifests///v1///',
    '/v2/lab/app/manifests/v1/',
    '/v2/lab/app/manifests/v1;x=1',
    '/v2;x/lab/app/manifests/v1',
    '/v2/lab;x=1/app/manifests/v1',
    '/v2/lab/app/manifests/v1%3bx',
    '/v2/lab/app/manifests/v1.',
    '/v2/lab/app./manifests/v1',
    '/v2/lab/app/manifests/v1%20',
    '/v2/lab/app/manifests/v1%00',
    '/v2/lab/app/manifests/v1%2f',
    '/v2/lab/app/manifests%2fv1',
    '/v2/lab%2fapp/manifests/v1',
    '/v2/lab%252fapp/manifests/v1',
    '/v2/./lab/app/manifests/v1',
    '/v2/%2e/lab/app/manifests/v1',
    '/v2/other/../lab/app/manifests/v1',
    '/v2/other/%2e%2e/lab/app/manifests/v1',
    '/v2/other/app/manifests/../../../lab/app/manifests/v1',
    '/v2/other/app%2f..%2f..%2flab%2fapp/manifests/v1',
    '/V2/lab/app/manifests/v1',
    '/v2/LAB/app/manifests/v1',
    '/v2/lab/app/Manifests/v1',
    '/%76%32/lab/app/manifests/v1',
    '/v2/lab/app/%6danifests/v1',
    '/v2\\lab\\app\\manifests\\v1',
    '/v2/lab/app/manifests/v1?x=/../../other/app',
    '/v2/lab/app/manifests/v1#fragment',
    '/acr/v1/lab/app',
    '/acr//v1//lab/app/_tags/v1',
    '/acr/v1/other/../lab/app',
    'v2/lab/app/manifests/v1',
    'http://HOST/v2/lab/app/manifests/v1',
    'HTTP://HOST//v2/lab/app/manifests/v1',
    'http://other.example/v2/lab/app/manifests/v1',
    'http://user:pass@HOST/v2/lab/app/manifests/v1',
    'http:///v2/lab/app/manifests/v1',
    'https://HOST/v2/lab/app/manifests/v1',
    'file:///v2/lab/app/manifests/v1',
    'http://HOST@other.example/v2/lab/app/manifests/v1',
    'http://HOST?/v2/lab/app/manifests/v1',
    '*',
    '',
    '?',
    '/',
  ];

  async function ask(
    method: string,
    target: string,
    authorization: string | null,
  ): Promise<{ status: number; text: string }> {
    const lines = [`${method} ${target.replaceAll('HOST', berth.address)} HTTP/1.1`, `Host: ${berth.address}`];
    if (authorization !== null) lines.push(`Authorization: ${authorization}`);
    const text = await exchangeRaw(
      berth.address,
      `${[...lines, 'Connection: close', 'Content-Length: 0'].join('\r\n')}\r\n\r\n`,
    );
    return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text };
  }

  it.each(targets)('"%s" is judged as it is served', async (target) => {
    const owner = basic(berth.username, berth.password);
    const served = await ask('GET', target, owner);
    for (const authorization of [null, stranger]) {
      for (const method of ['GET', 'HEAD', 'DELETE', 'PUT', 'PATCH', 'POST', 'OPTIONS']) {
        const answer = await ask(method, target, authorization);
        expect(answer.status >= 400 || answer.status === 0, `${method} ${target}: ${answer.status}`).toBe(true);
        expect(answer.status, `${method} ${target}`).toBeLessThan(500);
        expect(answer.text).not.toContain(image.digest);
        if (method === 'GET' && served.status === 200) expect(answer.status).toBe(401);
      }
    }
    expect(served.status).toBeLessThan(500);
  });

  it('is nothing for CONNECT, TRACE or an upgrade', async () => {
    const owner = basic(berth.username, berth.password);
    for (const target of [berth.address, 'example.com:443', '/v2/', '*']) {
      const { status, text } = await ask('CONNECT', target, owner);
      expect([0, 400, 404, 405], `${target} ${text}`).toContain(status);
    }
    expect([404, 405]).toContain((await ask('TRACE', '/v2/', owner)).status);
    expect([404, 405]).toContain((await ask('OPTIONS', '*', owner)).status);
    const upgrade = await exchangeRaw(
      berth.address,
      `GET /v2/ HTTP/1.1\r\nHost: ${berth.address}\r\nConnection: Upgrade, close\r\nUpgrade: h2c, websocket\r\n\r\n`,
    );
    expect(upgrade).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('with two hosts belongs to neither', async () => {
    const text = await exchangeRaw(
      berth.address,
      `GET /v2/ HTTP/1.1\r\nHost: ${berth.registry}.e2e.localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
  });
});
