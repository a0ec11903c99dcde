// S1, token key trust. Distribution took the key that the token's header brought (CVE-2025-24976); authlib and PyJWT were
// talked into other algorithms and unknown `crit`; Harbor took tokens without `iat`; go-jose inflated compressed JWE.
// The head of 10 MB is in test/e2e/connections.test.ts, mutated tokens in test/fuzz/tokens.test.ts.
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { deflateRawSync } from 'node:zlib';
import { exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localKeyWrapper } from '../../src/adapters/key-local/index.ts';
import { basic, client } from '../e2e/_client.ts';
import { pushImage } from '../e2e/_content.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { accessToken, claimsOf, postForm, type SigningKey, signAs, signingKeyOf } from '../e2e/_tokens.ts';
import { anyPorts, openScratch } from '../start/_program.ts';

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

/** Signs claims that are written out, so that they may say what no library would write. */
async function signText(claims: string): Promise<string> {
  const text = `${encode({ alg: 'RS256', typ: 'JWT', kid: signing.kid })}.${Buffer.from(claims).toString('base64url')}`;
  const signature = await globalThis.crypto.subtle.sign('RSASSA-PKCS1-v1_5', signing.key, Buffer.from(text));
  return `${text}.${Buffer.from(signature).toString('base64url')}`;
}

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

  it.each(['RS384', 'RS512', 'PS256', 'PS384'])('signed by the right key under %s is refused', async (alg) => {
    const key = await importPKCS8(await exportPKCS8(signing.key), alg, { extractable: true });
    await expectRefused(await new SignJWT(good).setProtectedHeader({ alg, typ: 'JWT', kid: signing.kid }).sign(key));
  });

  it('signed over a curve is refused, with the key in its header or not', async () => {
    for (const alg of ['ES256', 'EdDSA']) {
      const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
      for (const more of [{}, { jwk: await exportJWK(publicKey) }]) {
        const header = { alg, typ: 'JWT', kid: signing.kid, ...more };
        await expectRefused(await new SignJWT(good).setProtectedHeader(header).sign(privateKey));
      }
    }
  });

  it('that is encrypted, and 200 MB when inflated, is refused at once', async () => {
    const bomb = deflateRawSync(Buffer.alloc(8_000_000)).toString('base64url').slice(0, 9000);
    for (const alg of ['dir', 'RSA-OAEP', 'PBES2-HS256+A128KW']) {
      const header = { alg, enc: 'A256GCM', zip: 'DEF', kid: signing.kid, p2c: 2_147_483_647, p2s: 'eA' };
      const started = performance.now();
      await expectRefused(`${encode(header)}..AAAAAAAAAAAAAAAA.${bomb}.AAAAAAAAAAAAAAAAAAAAAA`);
      expect(performance.now() - started).toBeLessThan(2000);
    }
  });

  it('whose times are no whole numbers of seconds is refused, though the key is right', async () => {
    const now = Math.floor(Date.now() / 1000);
    const times = [
      '1e400',
      '-1',
      '-1e400',
      '0',
      `${now + 60}.5`,
      `"${now + 60}"`,
      `[${now + 60}]`,
      'null',
      'true',
      '{}',
    ];
    times.push('9007199254740993', '1e300');
    for (const name of ['exp', 'iat', 'nbf']) {
      for (const time of name === 'exp' ? times : times.filter((text) => !['-1', '0'].includes(text))) {
        const claims = JSON.stringify({ ...good, [name]: 'TIME' }).replace('"TIME"', time);
        await expectRefused(await signText(claims));
      }
    }
  });

  it('with a claim twice is read as its last, and never as two', async () => {
    const claims = JSON.stringify(good);
    await expectRefused(await signText(claims.replace(/\}$/, ',"aud":"another.e2e.localhost"}')));
    await expectRefused(await signText(claims.replace(/\}$/, `,"exp":${Math.floor(Date.now() / 1000) - 1}}`)));
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

describe('a token of another deployment (S1)', () => {
  it('is refused, though registry, domain and claims are the same', async () => {
    await using elsewhere = await startBerth();
    const theirs = await accessToken(elsewhere.admin, `repository:${repository}:pull`);
    await expectRefused(theirs);
    const key = await signingKeyOf(elsewhere);
    await expectRefused(await signAs(key, good));
    await expectRefused(await signAs({ kid: signing.kid, key: key.key }, good));
    expect((await elsewhere.bearer(genuine)('GET', '/v2/')).status).toBe(401);
  });
});

describe('a token of a key that was retired (S1)', () => {
  it('is refused after the next start, and the new key signs', async () => {
    await using scratch = await openScratch();
    const first = scratch.up([...anyPorts, '--registry-name', 'retiring']);
    const before = await first.ready();
    const person = basic(String(before.username), String(before.password));
    const ask = (address: string, authorization: string) => client({ address, authorization });
    const old = await accessToken(ask(before.loginServer, person));
    const port = before.registry.loginServer.split(':')[1];
    expect((await ask(before.loginServer, `Bearer ${old}`)('GET', '/v2/')).status).toBe(200);
    await first.stop();

    const database = new DatabaseSync(join(scratch.data, 'berth.db'));
    const root = Buffer.from(readFileSync(join(scratch.data, 'root.key'), 'utf8').trim(), 'base64');
    const pair = await generateKeyPair('RS256', { extractable: true });
    const kid = randomUUID();
    const sealed = localKeyWrapper(Uint8Array.from(root)).seal(
      await exportPKCS8(pair.privateKey),
      `signing-key:${kid}`,
    );
    database.prepare('update signing_key set retired_ms = ?').run(Date.now());
    database
      .prepare(
        `insert into signing_key (kid, purpose, algorithm, public_jwk, sealed_private, created_ms, signs_from_ms)
         values (?, 'registry', ?, ?, ?, ?, ?)`,
      )
      .run(kid, 'RS256', JSON.stringify(await exportJWK(pair.publicKey)), sealed, Date.now(), Date.now());
    database.close();

    const second = scratch.up(['--http', '127.0.0.1:0', '--https', `127.0.0.1:${port}`]);
    const after = await second.ready();
    expect(after.registry.loginServer).toBe(before.registry.loginServer);
    expect((await ask(after.loginServer, `Bearer ${old}`)('GET', '/v2/')).status).toBe(401);
    const fresh = await accessToken(ask(after.loginServer, person));
    expect((await ask(after.loginServer, `Bearer ${fresh}`)('GET', '/v2/')).status).toBe(200);
    await second.stop();
  });
});
