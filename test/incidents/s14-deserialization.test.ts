// S14, deserialization. Quay unpickled what a cache held (#5704). Berth reads JSON, forms and YAML only; what can go wrong is
// an object that changes other objects (`__proto__`), a document that grows (aliases) and one that runs (tags). The
// configuration has its cases in test/fuzz/config.test.ts, strict JSON in test/fuzz/strict-json.test.ts.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../e2e/_client.ts';
import { digestOf, imageOf, ociManifest, pushImage } from '../e2e/_content.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { accessToken, claimsOf, postForm, signAs, signingKeyOf } from '../e2e/_tokens.ts';
import { openScratch } from '../start/_program.ts';

const repository = 'team/app';

let berth: Berth;
let admin: Client;
beforeAll(async () => {
  berth = await startBerth();
  admin = berth.admin;
  await pushImage(admin, repository, 'v1', 'deserialization');
});
afterAll(() => berth[Symbol.asyncDispose]());

const switches = ['readEnabled', 'writeEnabled', 'deleteEnabled', 'listEnabled'];
const polluted = JSON.stringify(Object.fromEntries(switches.map((name) => [name, false])));
const payloads = [
  `{"__proto__":${polluted}}`,
  `{"constructor":{"prototype":${polluted}}}`,
  `{"\\u005f_proto__":${polluted}}`,
  `{"readEnabled":true,"__proto__":${polluted}}`,
  `{"toString":false}`,
  `{"hasOwnProperty":true}`,
  `{"__proto__":null}`,
  `[{"readEnabled":false}]`,
  `"readEnabled"`,
];

/** What every later request would feel if one had changed the prototype of all objects. */
async function expectHealthy(): Promise<void> {
  const { changeableAttributes } = (await admin('GET', `/acr/v1/${repository}`)).json();
  expect(changeableAttributes).toEqual({
    deleteEnabled: true,
    writeEnabled: true,
    readEnabled: true,
    listEnabled: true,
  });
  expect((await admin('GET', `/v2/${repository}/manifests/v1`)).status).toBe(200);
  const shown = await berth.operator('GET', '/registries/-');
  expect(shown).toMatchObject({ adminUserEnabled: true, anonymousPullEnabled: false });
  expect((await berth.nobody('GET', '/v2/')).status).toBe(401);
}

describe('a body that would change all objects (S14)', () => {
  it.each(payloads)('is refused as a change of attributes: %s', async (body) => {
    for (const path of ['', '/_tags/v1', `/_manifests/${digestOf(JSON.stringify(imageOf('deserialization')))}`]) {
      const answer = await admin('PATCH', `/acr/v1/${repository}${path}`, { body });
      expect({ status: answer.status, code: answer.code }, answer.text).toEqual({ status: 400, code: 'UNSUPPORTED' });
    }
    await expectHealthy();
  });

  it.each(['config', 'layers', 'annotations', 'subject', ''])(
    'is refused in a manifest, in its "%s"',
    async (place) => {
      const hostile = JSON.parse('{"__proto__":{"digest":"x","layers":[]}}') as object;
      const image = imageOf('polluted');
      const body =
        place === ''
          ? JSON.stringify(image).replace('{', '{"__proto__":{"layers":[]},')
          : JSON.stringify({ ...image, [place]: place === 'layers' ? [hostile] : hostile });
      const headers = { 'content-type': ociManifest };
      const answer = await admin('PUT', `/v2/${repository}/manifests/polluted`, { body, headers });
      expect(answer.code, answer.text).toBe('MANIFEST_INVALID');
      await expectHealthy();
    },
  );

  it('is data in annotations of other names, and comes back as it went in', async () => {
    const annotations = { constructor: 'a', prototype: 'b', toString: 'c', valueOf: 'd', hasOwnProperty: 'e' };
    const subject = await pushImage(admin, repository, 'subject', 'subject');
    const more = { annotations, subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size } };
    await pushImage(admin, repository, 'annotated', 'x', more);
    const listed = (await admin('GET', `/v2/${repository}/referrers/${subject.digest}`)).json<{
      manifests: object[];
    }>();
    expect(listed.manifests[0]).toMatchObject({ annotations });
    await expectHealthy();
  });

  it('gives a token nothing: claims named like parts of objects are no claims', async () => {
    const good = claimsOf(await accessToken(admin, `repository:${repository}:pull`));
    const signing = await signingKeyOf(berth);
    const text = JSON.stringify({ ...good, knd: undefined, cid: undefined });
    const claims = JSON.parse(
      text.replace('{', `{"__proto__":{"knd":"admin","cid":"${String(good['cid'])}"},`),
    ) as object;
    const token = await signAs(signing, claims as never);
    expect((await berth.bearer(token)('GET', '/v2/')).status).toBe(401);
    for (const access of [{ length: 1, 0: { type: 'repository' } }, 'x', [null], [{}], [{ type: 'repository' }], 7]) {
      const odd = await signAs(signing, { ...good, access });
      const { status } = await berth.bearer(odd)('GET', `/v2/${repository}/manifests/v1`);
      expect({ access, status }).toEqual({ access, status: 401 });
    }
    await expectHealthy();
  });

  it('is text in a form', async () => {
    for (const name of ['__proto__', 'constructor', '__proto__[grant_type]', 'constructor.prototype']) {
      const form = { grant_type: 'password', [name]: 'admin', username: name, password: name };
      expect((await postForm(berth.nobody, form)).status).toBe(401);
      expect((await postForm(berth.nobody, { grant_type: name })).status).toBe(400);
    }
    await expectHealthy();
  });

  it('is refused from the operator, and so are keys that come twice', async () => {
    for (const body of [
      JSON.parse('{"__proto__":{"anonymousPull":true}}') as object,
      { name: 'another', anonymousPull: { valueOf: true } },
      { name: { toString: 'x' } },
      ['another'],
    ]) {
      await expect(berth.operator('POST', '/registries', body)).rejects.toThrow(/\w/);
    }
    const listed = (await berth.operator('GET', '/registries')) as { registries: object[] };
    expect(listed.registries).toHaveLength(1);
    await expectHealthy();
  });
});

describe('a configuration file (S14)', () => {
  it.each([
    [
      'an alias that doubles nine times',
      `a: &a [x,x]\n${'bcdefghij'
        .split('')
        .map((c, n) => `${c}: &${c} [*${'abcdefghi'[n]},*${'abcdefghi'[n]}]`)
        .join('\n')}`,
    ],
    ['an alias of itself', 'limits: &a\n  indexDepth: *a'],
    ['a tag', 'domain: !!js/function "x"'],
    ['__proto__', '__proto__:\n  domain: x'],
  ])('with %s ends the start with one line', async (_, text) => {
    await using scratch = await openScratch();
    const file = join(scratch.folder, 'berth.yaml');
    await writeFile(file, text);
    const { code, stderr } = await scratch.berth(['up', '--config', file, '--data', scratch.data]);
    expect({ code, lines: stderr.trimEnd().split('\n').length }, stderr).toEqual({ code: 1, lines: 1 });
  });
});
