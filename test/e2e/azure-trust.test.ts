import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Azure, armVersion, azureOf, type Caller, type Robot, registryAudience, roleIds } from './_azure.ts';
import { type Answer, basic } from './_client.ts';
import { pushImage } from './_content.ts';
import { azureCli } from './_login.ts';
import { type Berth, startBerth } from './_server.ts';
import { accessToken, claimsOf, signAs, signingKeyOf } from './_tokens.ts';

let berth: Berth;
let azure: Azure;
let robot: Robot;
let other: Robot;
beforeAll(async () => {
  berth = await startBerth();
  azure = await azureOf(berth);
  await pushImage(berth.admin, 'team/here', 'v1', 'trust');
  robot = await azure.robot('robot');
  other = await azure.robot('other');
});
afterAll(() => berth[Symbol.asyncDispose]());

const exchange = (token: string): Promise<Answer> =>
  berth.nobody('POST', '/oauth2/exchange', {
    body: new URLSearchParams({ grant_type: 'access_token', service: 'x', access_token: token }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });

/** What each plane answers to a token that is meant for it: exchange, Graph, resource manager. */
async function statusesOf(tokens: { registry: string; graph: string; management: string }): Promise<number[]> {
  return [
    (await exchange(tokens.registry)).status,
    (await azure.as(tokens.graph).graph('GET', '/v1.0/organization')).status,
    (await azure.as(tokens.management).arm('GET', `/subscriptions?api-version=2022-12-01`)).status,
  ];
}

describe('an access token of the identity provider (S1)', () => {
  it('counts by our signature, algorithm, kind, time and resource, and by nothing that it brings itself', async () => {
    const genuine = {
      registry: await azure.robotToken(robot, registryAudience),
      graph: await azure.robotToken(robot, azure.audience('msgraph')),
      management: await azure.robotToken(robot, azure.audience('management')),
    };
    expect(await statusesOf(genuine)).toEqual([200, 200, 200]);
    const ours = await signingKeyOf(berth, 'directory');
    const ofRegistries = await signingKeyOf(berth);
    const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = foreign.publicKey.export({ format: 'jwk' });
    const { subtle } = globalThis.crypto;
    const der = foreign.privateKey.export({ format: 'der', type: 'pkcs8' });
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const key = await subtle.importKey('pkcs8', new Uint8Array(der), algorithm, true, ['sign']);
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = Math.floor(Date.now() / 1000);

    type Forge = (claims: Record<string, unknown>) => Promise<string> | string;
    const forgeries: Record<string, Forge> = {
      'no signature': (claims) => `${encode({ alg: 'none', typ: 'JWT', kid: ours.kid })}.${encode(claims)}.`,
      'a public key as a password': (claims) => {
        const head = `${encode({ alg: 'HS256', typ: 'JWT', kid: ours.kid })}.${encode(claims)}`;
        return `${head}.${createHmac('sha256', JSON.stringify(ours.publicJwk)).update(head).digest('base64url')}`;
      },
      'a foreign key under our id': (claims) => signAs({ kid: ours.kid, key }, claims),
      'a foreign key in the header': (claims) => signAs({ kid: 'x', key }, claims, { jwk, jku: 'https://x.example/k' }),
      'the key of the registries': (claims) => signAs(ofRegistries, claims),
      'the end of its time': (claims) => signAs(ours, { ...claims, exp: now - 1 }),
      'no end': ({ exp: _exp, ...claims }) => signAs(ours, claims),
      'the claims of an id token': (claims) => signAs(ours, { ...claims, use: 'id' }),
      'somebody else': (claims) => signAs(ours, { ...claims, sub: other.objectId, oid: other.objectId }),
      'the secret of somebody else': (claims) => signAs(ours, { ...claims, cid: other.keyId }),
      'another kind': (claims) => signAs(ours, { ...claims, knd: 'user' }),
      'another resource': (claims) => signAs(ours, { ...claims, res: 'portal' }),
    };
    for (const [what, forge] of Object.entries(forgeries)) {
      const forged = {
        registry: await forge(claimsOf(genuine.registry)),
        graph: await forge(claimsOf(genuine.graph)),
        management: await forge(claimsOf(genuine.management)),
      };
      expect(await statusesOf(forged), what).toEqual([401, 401, 401]);
    }
    // As it was, under our key, it is taken: what is refused above is refused for what was changed.
    expect((await exchange(await signAs(ours, claimsOf(genuine.registry)))).status).toBe(200);
  });

  it('is none at another plane, and tokens of a registry are none here', async () => {
    const registry = await azure.robotToken(robot, registryAudience);
    const graph = await azure.robotToken(robot, azure.audience('msgraph'));
    const management = await azure.robotToken(robot, azure.audience('management'));
    expect(await statusesOf({ registry: graph, graph: management, management: graph })).toEqual([401, 401, 401]);
    const own = await accessToken(berth.admin, 'repository:team/here:*');
    const refresh = String((await exchange(registry)).json()['refresh_token']);
    for (const token of [own, refresh]) {
      expect(await statusesOf({ registry: token, graph: token, management: token })).toEqual([401, 401, 401]);
    }
    for (const token of [registry, graph, management]) {
      expect((await berth.bearer(token)('GET', '/v2/')).status).toBe(401);
    }
    const form = { client_id: azureCli, grant_type: 'password', ...berth.operatorUser };
    const answer = await azure.login.token({ ...form, scope: `${registryAudience}/.default openid` });
    expect((await exchange(String(answer.json()['id_token']))).status).toBe(401);
  });
});

describe('ids of others (S4)', () => {
  it('remove no secret of theirs, and no role at another scope than theirs', async () => {
    const path = `/v1.0/applications/${robot.applicationId}/removePassword`;
    expect((await azure.graph('POST', path, { keyId: other.keyId })).status).toBe(404);
    expect(await azure.robotToken(other, registryAudience)).toBeDefined();
    const assignment = await azure.assign(other.objectId, roleIds.acrPull);
    const name = assignment.split('/').at(-1) ?? '';
    const elsewhere = `${azure.subscription}/providers/Microsoft.Authorization/roleAssignments/${name}`;
    expect((await azure.arm('DELETE', `${elsewhere}?${armVersion}`)).status).toBe(204);
    expect((await azure.arm('GET', `${elsewhere}?${armVersion}`)).status).toBe(404);
    expect((await azure.arm('GET', `${assignment}?${armVersion}`)).status).toBe(200);
  });

  it('give nobody more than they have: an Owner of the registry gives no role above it, and makes no secrets', async () => {
    const owner = await azure.robot('owner of one');
    await azure.assign(owner.objectId, roleIds.owner);
    const { arm } = azure.as(await azure.robotToken(owner, azure.audience('management')));
    const { graph } = azure.as(await azure.robotToken(owner, azure.audience('msgraph')));
    const give = (caller: Caller, scope: string) =>
      caller('PUT', `${scope}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}?${armVersion}`, {
        properties: {
          roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${roleIds.owner}`,
          principalId: owner.objectId,
        },
      });
    const group = azure.registryId.split('/providers/')[0] ?? '';
    for (const scope of [group, azure.subscription, '', `${group}/providers/Microsoft.ContainerRegistry/registries/x`])
      expect((await give(arm, scope)).status, scope).toBe(403);
    for (const one of [owner, other])
      expect((await graph('POST', `/v1.0/applications/${one.applicationId}/addPassword`, {})).status).toBe(403);
  });
});

describe('who has no right (S7, S18)', () => {
  it('learns of no repository whether it is there, and of no application', async () => {
    const fresh = await azure.robot('fresh');
    const shapeOf = ({ status, headers, text }: Answer) => {
      const id = String(headers['x-ms-correlation-request-id']);
      return JSON.stringify({ status, challenge: headers['www-authenticate'], text: text.replaceAll(id, '') });
    };
    const ask = async (path: string, authorization: string) =>
      shapeOf(await berth.nobody('GET', path, { headers: { authorization } }));
    const credential = basic(fresh.appId, fresh.secret);
    const here = await ask('/v2/team/here/manifests/v1', credential);
    expect((await ask('/v2/team/gone/manifests/v1', credential)).replaceAll('gone', 'here')).toBe(here);
    for (const path of ['/v2/', '/oauth2/token?service=x']) {
      const known = await ask(path, basic(fresh.appId, 'x'.repeat(43)));
      expect(await ask(path, basic(randomUUID(), 'x'.repeat(43)))).toBe(known);
    }
  });

  it('as everybody has none who was just made: a secret alone opens nothing', async () => {
    const fresh = await azure.robot('fresh');
    const { arm } = azure.as(await azure.robotToken(fresh, azure.audience('management')));
    const listed = await arm('GET', '/subscriptions?api-version=2022-12-01');
    expect(listed.json()).toMatchObject({ value: [] });
    expect((await arm('GET', `${azure.registryId}?api-version=2025-11-01`)).status).toBe(403);
    const access = await accessToken(
      berth.as({ username: fresh.appId, password: fresh.secret }),
      'repository:team/here:*',
    );
    expect(claimsOf(access)['access']).toEqual([]);
    expect((await berth.bearer(access)('GET', '/v2/team/here/manifests/v1')).status).toBe(401);
    expect((await berth.bearer(access)('GET', '/v2/_catalog')).status).toBe(401);
  });
});
