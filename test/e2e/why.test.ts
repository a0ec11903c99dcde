/* oxlint-disable vitest/no-conditional-expect -- not every refusal has a cure or a rule of its own */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Refusal } from '../../src/content/index.ts';
import { type Answer, basic, type Client } from './_client.ts';
import {
  descriptorOf,
  digestOf,
  imageOf,
  ociManifest,
  openUpload,
  type Pushed,
  pushBlob,
  pushImage,
} from './_content.ts';
import { type Berth, startBerth } from './_server.ts';
import { accessToken, claimsOf, postForm, signAs, signingKeyOf } from './_tokens.ts';

const second = 'secondone';
const program = join(import.meta.dirname, '..', '..', 'bin', 'berth');

let berth: Berth;
beforeAll(async () => {
  berth = await startBerth('--limits-open-uploads-per-identity', '2', '--limits-manifest-bytes', '4KiB');
  await berth.operator('POST', '/registries', { name: second, adminEnabled: true });
});
afterAll(() => berth[Symbol.asyncDispose]());

const idOf = (answer: Answer) => String(answer.headers['x-ms-correlation-request-id']);

async function why(id: string): Promise<Refusal> {
  return (await berth.operator('GET', `/refusals/${id}`)) as unknown as Refusal;
}

/** The refusal of a request, which has told the caller nothing of what it tells the operator. */
async function refused(answer: Answer): Promise<Refusal> {
  expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
  const refusal = await why(idOf(answer));
  expect(refusal).toMatchObject({ status: answer.status, listener: 'http', address: '127.0.0.1' });
  const said = `${answer.text}${JSON.stringify({ ...answer.headers, 'www-authenticate': '' })}`;
  expect(said).not.toContain(refusal.because);
  if (refusal.cure !== '') expect(said).not.toContain(refusal.cure);
  if (refusal.rule.includes('-')) expect(said).not.toContain(refusal.rule);
  return refusal;
}

/** Runs the command of a cure as a person would paste it. */
async function run(cure: string): Promise<Record<string, unknown>> {
  const [name, ...words] = cure.split(' ').map((word) => word.replaceAll("'", ''));
  expect(name).toBe('berth');
  const child = spawn(process.execPath, [program, ...words, '--data', berth.data, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (part: Buffer) => (said += part.toString('utf8')));
  await once(child, 'close');
  expect(child.exitCode, cure).toBe(0);
  return JSON.parse(said) as Record<string, unknown>;
}

const firstPassword = (made: Record<string, unknown>) => (made['passwords'] as { value: string }[])[0]?.value ?? '';

/** Sends the PATCH that the cure of a lock names. */
async function patch(cure: string): Promise<void> {
  const [, path = '', body = ''] = /^PATCH (\S+) with (\{[^}]*\})/.exec(cure) ?? [];
  const answer = await berth.admin('PATCH', path, { body });
  expect(answer.status, `${cure}: ${answer.text}`).toBe(200);
}

describe('who is not known', () => {
  it('lacks a credential, and needs none once everybody may pull', async () => {
    await pushImage(berth.admin, 'open/app', 'v1', 'open');
    const ask = () => berth.nobody('GET', '/v2/open/app/manifests/v1');
    const refusal = await refused(await ask());
    expect(refusal).toMatchObject({ rule: 'credential-missing', signedIn: 'none', actor: 'anonymous' });
    expect(refusal).toMatchObject({ repository: 'open/app', reference: 'v1', wanted: ['content/read'] });
    await run(/berth registry update .*/.exec(refusal.cure)?.[0] ?? '');
    try {
      expect((await ask()).status).toBe(200);
      const push = await refused(await berth.nobody('POST', '/v2/open/app/blobs/uploads/'));
      expect(push).toMatchObject({ rule: 'anonymous-may-only-pull', wanted: ['content/write'] });
    } finally {
      await berth.operator('PATCH', '/registries/-', { anonymousPull: false });
    }
    const atTheTokenEndpoint = await refused(await berth.nobody('GET', '/oauth2/token?service=x'));
    expect(atTheTokenEndpoint).toMatchObject({ rule: 'credential-missing', operation: 'oauth2.token' });
  });

  it('has a name that nobody has, until a token has it', async () => {
    const tried = (password: string) => berth.as({ username: 'ci-build', password })('GET', '/v2/');
    const refusal = await refused(await tried('x'));
    expect(refusal).toMatchObject({ rule: 'user-unknown', actor: '', signedIn: 'basic' });
    expect(refusal.because).toContain('8 characters');
    expect(JSON.stringify(refusal)).not.toContain('ci-build');
    expect(refusal.cure).toContain('berth token create');
    const { password } = await berth.createToken('ci-build', { '*': ['content/read'] });
    expect((await tried(password)).status).toBe(200);
  });

  it('gave the wrong password of the admin, and finds the right one', async () => {
    const refusal = await refused(await berth.as({ username: berth.username, password: 'wrong' })('GET', '/v2/'));
    expect(refusal).toMatchObject({ rule: 'password-wrong', actor: `admin:${berth.registry}` });
    const password = firstPassword(await run(refusal.cure));
    expect((await berth.as({ username: berth.username, password })('GET', '/v2/')).status).toBe(200);
  });

  it.each([
    ['password-wrong', (password: string) => `${password}x`, undefined],
    ['password-expired', (password: string) => password, 1],
  ])('has a token that says %s, and gets a new one', async (rule, offered, expiresMs) => {
    const name = `old-${rule}`;
    const person = await berth.createToken(name, { 'team/*': ['content/read'] }, expiresMs);
    const answer = await postForm(berth.nobody, {
      grant_type: 'password',
      username: name,
      password: offered(person.password),
    });
    const refusal = await refused(answer);
    expect(refusal).toMatchObject({ rule, actor: `token:${berth.registry}/${name}`, signedIn: 'form' });
    const [remove = '', create = ''] = refusal.cure.split(', then ');
    await run(remove);
    const made = await run(`${create.replace(/ with .*/, '')} --repository team/* --actions content/read`);
    expect((await berth.as({ username: name, password: firstPassword(made) })('GET', '/v2/')).status).toBe(200);
  });

  it('is an admin user that is off, until it is on', async () => {
    const bearer = berth.bearer(await accessToken(berth.admin));
    await berth.operator('PATCH', '/registries/-', { adminEnabled: false });
    const refusals = [await refused(await berth.admin('GET', '/v2/')), await refused(await bearer('GET', '/v2/'))];
    for (const refusal of refusals)
      expect(refusal).toMatchObject({ rule: 'admin-disabled', actor: `admin:${berth.registry}` });
    await run(refusals[0]?.cure ?? '');
    expect((await berth.admin('GET', '/v2/')).status).toBe(200);
  });

  it('sent a header that is no credential, or a bearer where tokens are made', async () => {
    const odd = await berth.nobody('GET', '/v2/', { headers: { authorization: 'Negotiate abc' } });
    expect(await refused(odd)).toMatchObject({ rule: 'credential-unusable', signedIn: 'unusable' });
    const bearer = berth.bearer(await accessToken(berth.admin));
    expect(await refused(await bearer('GET', '/oauth2/token?service=x'))).toMatchObject({
      rule: 'bearer-at-token-endpoint',
      signedIn: 'bearer',
    });
  });
});

describe('a bearer', () => {
  const ask = (token: string) => berth.bearer(token)('GET', '/v2/');
  const good = async () => claimsOf(await accessToken(berth.admin));

  it('is refused by the rule that it breaks, and a new one is taken', async () => {
    const key = await signingKeyOf(berth);
    const claims = await good();
    const form = { grant_type: 'password', access_type: 'offline', username: berth.username, password: berth.password };
    const refresh = String((await postForm(berth.admin, form)).json()['refresh_token']);
    const own = await accessToken(berth.admin);
    const shown = await berth.operator('GET', `/registries/${second}/credentials`);
    const elsewhere = await accessToken(berth.at(second, basic(second, firstPassword(shown))));
    const [header = '', payload = ''] = own.split('.');
    const cases: [rule: string, token: string, actor: string][] = [
      ['bearer-expired', await signAs(key, { ...claims, exp: 1_000_000_000 }), `admin:${berth.registry}`],
      ['bearer-key-unknown', await signAs({ ...key, kid: 'nobody' }, claims), ''],
      ['bearer-signature', `${header}.${payload}.${elsewhere.split('.')[2]}`, ''],
      ['bearer-other-registry', elsewhere, `admin:${second}`],
      ['bearer-unreadable', 'not.a.token', ''],
      ['bearer-wrong-use', refresh, `admin:${berth.registry}`],
    ];
    for (const [rule, token, actor] of cases) {
      expect(await refused(await ask(token)), rule).toMatchObject({ rule, actor, signedIn: 'bearer' });
    }
    expect((await ask(own)).status).toBe(200);
  });

  it('ends with the password that made it', async () => {
    const person = await berth.createToken('short-lived', { 'team/*': ['content/read'] });
    const token = await accessToken(berth.as(person));
    await berth.operator('DELETE', '/registries/-/tokens/short-lived');
    expect(await refused(await ask(token))).toMatchObject({
      rule: 'bearer-revoked',
      actor: `token:${berth.registry}/short-lived`,
    });
  });

  it('was asked for less than it is used for; asked for more it is taken', async () => {
    await pushImage(berth.admin, 'team/app', 'v1', 'bearer');
    const person = await berth.createToken('narrow-one', { 'team/*': ['content/read', 'content/write'] });
    const push = async (scope: string) =>
      berth.bearer(await accessToken(berth.as(person), scope))('POST', '/v2/team/app/blobs/uploads/');
    const refusal = await refused(await push('repository:team/app:pull'));
    expect(refusal).toMatchObject({ rule: 'not-in-bearer', wanted: ['content/write'] });
    const scope = /scope=(\S+),/.exec(refusal.cure)?.[1] ?? '';
    expect((await push(scope)).status).toBe(202);
  });
});

describe('what the scope map does not grant', () => {
  it.each([
    ['content/read', 'GET', '/v2/map/app/tags/list'],
    ['content/write', 'POST', '/v2/map/app/blobs/uploads/'],
    ['content/delete', 'DELETE', `/v2/map/app/manifests/${digestOf('none')}`],
    ['metadata/read', 'GET', '/acr/v1/map/app'],
    ['metadata/write', 'PATCH', '/acr/v1/map/app'],
    ['catalog/read', 'GET', '/v2/_catalog'],
  ])('%s is granted by the token that is proposed', async (action, method, path) => {
    await pushImage(berth.admin, 'map/app', 'v1', 'map');
    const name = `weak-${action.replace('/', '-')}`;
    const person = await berth.createToken(name, { 'other/*': ['content/write'] });
    const ask = (client: Client) => client(method, path, method === 'PATCH' ? { body: '{}' } : {});
    const refusal = await refused(await ask(berth.as(person)));
    expect(refusal).toMatchObject({
      rule: 'not-in-scope-map',
      actor: `token:${berth.registry}/${name}`,
      wanted: [action],
    });
    expect(refusal.because).toContain(`scope map ${name} of`);
    expect(refusal.because).toContain(`lacks ${action}`);
    const made = await run(refusal.cure);
    const cured = berth.as({ username: String(made['username']), password: firstPassword(made) });
    expect((await ask(cured)).status).not.toBe(401);
  });
});

describe('a lock', () => {
  const put = (client: Client, repository: string, tag: string, text: string) =>
    client('PUT', `/v2/${repository}/manifests/${tag}`, {
      body: JSON.stringify(imageOf(text)),
      headers: { 'content-type': ociManifest },
    });
  const lock = (path: string, body: object) => berth.admin('PATCH', `/acr/v1/${path}`, { body: JSON.stringify(body) });
  let image: Pushed;
  let repository: string;
  const fresh = async (name: string) => {
    repository = `lock/${name}`;
    image = await pushImage(berth.admin, repository, 'v1', name);
  };

  it('on a tag refuses the push and the deletion, until the switch is back', async () => {
    await fresh('tag');
    await lock(`${repository}/_tags/v1`, { writeEnabled: false, deleteEnabled: false });
    const push = await refused(await put(berth.admin, repository, 'v1', 'new'));
    expect(push).toMatchObject({ rule: 'tag-locked', repository, reference: 'v1' });
    expect(push.because).toBe(`tag v1 of ${repository} is locked by writeEnabled=false`);
    const remove = () => berth.admin('DELETE', `/acr/v1/${repository}/_tags/v1`);
    const removal = await refused(await remove());
    expect(removal.because).toContain('writeEnabled=false and deleteEnabled=false');
    const whole = await refused(await berth.admin('DELETE', `/v2/${repository}/manifests/${image.digest}`));
    expect(whole).toMatchObject({ rule: 'tag-locked' });
    await patch(push.cure);
    expect((await put(berth.admin, repository, 'v1', 'new')).status).toBe(201);
    await patch(removal.cure);
    expect((await remove()).status).toBe(202);
  });

  it('on a manifest refuses reading and deletion', async () => {
    await fresh('manifest');
    await lock(`${repository}/_manifests/${image.digest}`, { readEnabled: false, deleteEnabled: false });
    const read = () => berth.admin('GET', `/v2/${repository}/manifests/v1`);
    const remove = () => berth.admin('DELETE', `/v2/${repository}/manifests/${image.digest}`);
    const [reading, deletion] = [await refused(await read()), await refused(await remove())];
    expect([reading.rule, deletion.rule]).toEqual(['manifest-locked', 'manifest-locked']);
    const whole = await refused(await berth.admin('DELETE', `/acr/v1/${repository}`));
    expect(whole).toMatchObject({ rule: 'content-locked' });
    await patch(reading.cure);
    expect((await read()).status).toBe(200);
    await patch(deletion.cure);
    expect((await remove()).status).toBe(202);
  });

  it('on a repository refuses everything it names', async () => {
    await fresh('repository');
    const requests: [attribute: string, ask: () => Promise<Answer>][] = [
      ['readEnabled', () => berth.admin('GET', `/v2/${repository}/manifests/v1`)],
      ['readEnabled', () => berth.admin('GET', `/v2/${repository}/tags/list`)],
      ['readEnabled', () => berth.admin('GET', `/v2/${repository}/referrers/${image.digest}`)],
      ['readEnabled', () => berth.admin('GET', `/v2/${repository}/blobs/${digestOf('{}')}`)],
      ['writeEnabled', () => berth.admin('POST', `/v2/${repository}/blobs/uploads/`)],
      ['writeEnabled', () => put(berth.admin, repository, 'v2', 'more')],
      ['deleteEnabled', () => berth.admin('DELETE', `/acr/v1/${repository}/_tags/v1`)],
      ['deleteEnabled', () => berth.admin('DELETE', `/v2/${repository}/manifests/${image.digest}`)],
      ['deleteEnabled', () => berth.admin('DELETE', `/acr/v1/${repository}`)],
    ];
    for (const [attribute, ask] of requests) {
      await fresh('repository');
      await lock(repository, { [attribute]: false });
      const refusal = await refused(await ask());
      expect(refusal).toMatchObject({ rule: 'repository-locked', repository });
      expect(refusal.because).toContain(`${attribute}=false`);
      await patch(refusal.cure);
      expect((await ask()).status, attribute).toBeLessThan(300);
    }
  });
});

describe('a bound', () => {
  it('on open uploads is told with the one whose they are, and a cancelled one makes room', async () => {
    const { username, password } = await berth.createToken('uploader', {
      'team/*': ['content/read', 'content/write', 'content/delete'],
    });
    const client = berth.as({ username, password });
    const [location, other] = [await openUpload(client, 'team/app'), await openUpload(client, 'team/app')];
    for (const one of [location, other]) expect((await client('PATCH', one, { body: 'some' })).status).toBe(202);
    const start = () => client('POST', '/v2/team/app/blobs/uploads/');
    const refusal = await refused(await start());
    expect(refusal).toMatchObject({ rule: 'too-many-uploads', actor: `token:${berth.registry}/uploader`, status: 429 });
    expect(refusal.cure).toContain('cancel some');
    expect((await client('DELETE', location)).status).toBe(204);
    expect((await start()).status).toBe(202);
  });

  it('on sizes is told with the key that sets it', async () => {
    await pushBlob(berth.admin, 'team/app', '{}');
    const put = await berth.admin('PUT', '/v2/team/app/manifests/big', {
      body: JSON.stringify(imageOf('x'.repeat(5000))),
      headers: { 'content-type': ociManifest },
    });
    const refusal = await why(idOf(put));
    expect(refusal).toMatchObject({ rule: 'manifest-too-large', status: 413 });
    expect(refusal.cure).toContain('--limits-manifest-bytes');
  });

  it('on rates is told with the bound and whose it is', async () => {
    await using tight = await startBerth('--limits-rates', '0.001');
    const answers = await Promise.all(Array.from({ length: 6 }, () => tight.admin('GET', '/v2/')));
    const last = answers.find(({ status }) => status === 429);
    const refusal = await tight.operator('GET', `/refusals/${last === undefined ? '' : idOf(last)}`);
    expect(refusal).toMatchObject({ rule: 'rate-identity', actor: `admin:${tight.registry}`, status: 429 });
    expect(String(refusal['because'])).toContain('read requests of this identity on this registry used up 5 a minute');
    expect(String(refusal['cure'])).toContain('--limits-rates off');
  });
});

describe('what else is refused', () => {
  it('is told by the code of its fault', async () => {
    const image = await pushImage(berth.admin, 'team/else', 'v1', 'else');
    const cases: [rule: string, answer: Answer][] = [
      ['unsupported', await berth.admin('PUT', '/v2/_catalog')],
      ['not-permitted', await berth.admin('DELETE', `/v2/team/else/blobs/${digestOf('{}')}`)],
      ['manifest-unknown', await berth.admin('GET', '/v2/team/else/manifests/none')],
      ['name-unknown', await berth.admin('GET', '/v2/no/such/tags/list')],
      ['digest-invalid', await berth.admin('GET', '/v2/team/else/blobs/sha256:none')],
      [
        'manifest-blob-unknown',
        await berth.admin('PUT', '/v2/team/else/manifests/x', {
          body: JSON.stringify(imageOf('x', { config: descriptorOf('absent') })),
          headers: { 'content-type': ociManifest },
        }),
      ],
      ['not-found', await berth.admin('GET', '/nowhere')],
    ];
    for (const [rule, answer] of cases)
      expect(await why(idOf(answer)), rule).toMatchObject({ rule, status: answer.status });
    expect(image.digest).toMatch(/^sha256:/);
  });

  it('is listed, newest first, by registry, without what is everyday', async () => {
    const strange = await berth.at(second, basic('nobody', 'x'))('GET', '/v2/');
    const absent = await berth.admin('GET', '/v2/team/else/manifests/absent');
    const bare = await berth.nobody('GET', '/v2/');
    const list = async (query: string) => (await berth.operator('GET', `/refusals?${query}`))['refusals'] as Refusal[];
    const [newest] = await list(`last=1&registry=${second}`);
    expect(newest).toMatchObject({ id: idOf(strange), registry: second, rule: 'user-unknown' });
    const all = await list('last=1000');
    expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toSorted((left, right) => right - left));
    for (const everyday of [absent, bare]) {
      expect(all.map(({ id }) => id)).not.toContain(idOf(everyday));
      expect((await why(idOf(everyday))).id).toBe(idOf(everyday));
    }
    await expect(berth.operator('GET', '/refusals?last=0')).rejects.toThrow('from 1 to 1000');
    await expect(berth.operator('GET', '/refusals/none-such-id')).rejects.toThrow('no refused request "none-such-id"');
  });
});
