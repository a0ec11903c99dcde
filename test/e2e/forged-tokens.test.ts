// oxlint-disable vitest/expect-expect -- what they expect is in expectRefused
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushImage } from './_content.ts';
import { type Berth, startBerth } from './_server.ts';
import { accessToken, claimsOf, postForm, type SigningKey, signAs, signingKeyOf } from './_tokens.ts';

const repository = 'team/app';

let berth: Berth;
let signing: SigningKey;
let good: JWTPayload & Record<string, unknown>;
let genuine: string;
beforeAll(async () => {
  berth = await startBerth();
  await pushImage(berth.admin, repository, 'v1', 'forged');
  signing = await signingKeyOf(berth);
  genuine = await accessToken(berth.admin, `repository:${repository}:pull`);
  good = claimsOf(genuine);
});
afterAll(() => berth[Symbol.asyncDispose]());

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const without = (name: string): JWTPayload => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));

/** Offers a token in every way there is; each must be refused, and alike. */
async function expectRefused(token: string): Promise<void> {
  const path = `/v2/${repository}/manifests/v1`;
  const answers = [
    await berth.bearer(token)('GET', path),
    await berth.bearer(token)('GET', '/v2/'),
    await berth.as({ username: '00000000-0000-0000-0000-000000000000', password: token })('GET', path),
    await postForm(berth.nobody, { grant_type: 'refresh_token', refresh_token: token }),
  ];
  expect(answers.map((answer) => answer.status)).toEqual([401, 401, 401, 401]);
}

describe('a token (S1)', () => {
  it('that was signed by the key of the registry opens what it names, so that the others fail for their own reason', async () => {
    for (const token of [genuine, await signAs(signing, good)]) {
      expect((await berth.bearer(token)('GET', `/v2/${repository}/manifests/v1`)).status).toBe(200);
    }
  });

  it('without a signature is refused', async () => {
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
      for (const kid of [signing.kid, undefined]) {
        const unsigned = `${encode({ alg, typ: 'JWT', kid })}.${encode(good)}`;
        await expectRefused(`${unsigned}.`);
        await expectRefused(unsigned);
        await expectRefused(`${unsigned}.${genuine.split('.')[2]}`);
      }
    }
  });

  it('signed by HMAC with the public key is refused', async () => {
    const key = createPublicKey({ key: signing.publicJwk, format: 'jwk' });
    const secrets = [
      key.export({ type: 'spki', format: 'pem' }),
      key.export({ type: 'spki', format: 'der' }),
      key.export({ type: 'pkcs1', format: 'pem' }),
      JSON.stringify(signing.publicJwk),
      String(signing.publicJwk['n']),
    ];
    for (const secret of secrets) {
      const text = `${encode({ alg: 'HS256', typ: 'JWT', kid: signing.kid })}.${encode(good)}`;
      await expectRefused(`${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`);
    }
  });

  it('signed by another key is refused, whatever its header offers to verify it with', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    const foreign = { kid: signing.kid, key: privateKey };
    for (const header of [
      {},
      { kid: 'another' },
      { kid: undefined },
      { kid: '../../dev/null' },
      { jwk },
      { jwk, kid: undefined },
      { jku: `http://${berth.address}/keys` },
      { x5u: `http://${berth.address}/certificate` },
      {
        x5c: [
          generateKeyPairSync('rsa', { modulusLength: 2048 })
            .publicKey.export({ type: 'spki', format: 'der' })
            .toString('base64'),
        ],
      },
      { jwk: signing.publicJwk },
    ]) {
      await expectRefused(await signAs(foreign, good, header));
    }
  });

  it('whose header demands what is not understood is refused', async () => {
    const [, payload] = genuine.split('.');
    for (const crit of [['exp'], ['b64'], ['unheard-of'], [], 'exp']) {
      const head = encode({ alg: 'RS256', typ: 'JWT', kid: signing.kid, crit, 'unheard-of': true, b64: false });
      const { subtle } = globalThis.crypto;
      const signature = await subtle.sign('RSASSA-PKCS1-v1_5', signing.key, Buffer.from(`${head}.${payload}`));
      await expectRefused(`${head}.${payload}.${Buffer.from(signature).toString('base64url')}`);
    }
  });

  it.each(['exp', 'iat', 'nbf', 'aud', 'iss', 'sub', 'jti', 'grant_type', 'knd', 'cid'])(
    'without %s is refused, though the key is right',
    async (name) => expectRefused(await signAs(signing, without(name))),
  );

  it('with a claim that is not for here and now is refused, though the key is right', async () => {
    const now = Math.floor(Date.now() / 1000);
    const changes: Record<string, unknown>[] = [
      { exp: now - 1 },
      { exp: now - 86_400, iat: now - 90_000, nbf: now - 90_000 },
      { exp: 'never' },
      { nbf: now + 600 },
      { aud: 'another.e2e.localhost' },
      { aud: [] },
      { aud: '' },
      { aud: `${berth.loginServer}.evil.example` },
      { iss: 'Azure Container Registry' },
      { grant_type: 'id_token' },
      { knd: 'root' },
      { cid: 'f'.repeat(32) },
      { knd: 'token', tid: 1 },
      { knd: 'anonymous', cid: '' },
    ];
    for (const change of changes) await expectRefused(await signAs(signing, { ...good, ...change }));
  });

  it('that was changed after it was signed is refused', async () => {
    const [head, , signature] = genuine.split('.');
    const wider = { ...good, access: [{ type: 'repository', name: repository, actions: ['*'] }] };
    await expectRefused(`${head}.${encode(wider)}.${signature}`);
    await expectRefused(`${genuine}x`);
    await expectRefused(`${genuine}.${signature}`);
    await expectRefused(genuine.slice(0, -4));
  });

  it('that is no token is refused', async () => {
    for (const text of ['x', 'a.b.c', '..', '.', 'e30.e30.e30', `${'a'.repeat(5000)}.b.c`, 'null'])
      await expectRefused(text);
  });

  it('of another registry of the same server is refused', async () => {
    await berth.operator('POST', '/registries', { name: 'otherone', adminEnabled: true });
    const { passwords } = (await berth.operator('GET', '/registries/otherone/credentials')) as {
      passwords: { value: string }[];
    };
    const other = berth.at('otherone', `Basic ${Buffer.from(`otherone:${passwords[0]?.value}`).toString('base64')}`);
    const token = await accessToken(other, `repository:${repository}:pull`);
    expect((await berth.at('otherone', `Bearer ${token}`)('GET', '/v2/')).status).toBe(200);
    await expectRefused(token);
    expect((await berth.at('otherone', `Bearer ${genuine}`)('GET', '/v2/')).status).toBe(401);
  });
});
