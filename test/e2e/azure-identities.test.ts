import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Azure, armVersion, azureOf, type Robot, registryAudience, roleIds } from './_azure.ts';
import { basic, type Client } from './_client.ts';
import { pushImage } from './_content.ts';
import { type Berth, startBerth } from './_server.ts';
import { accessToken, claimsOf, postForm } from './_tokens.ts';

let berth: Berth;
let azure: Azure;
beforeAll(async () => {
  berth = await startBerth();
  azure = await azureOf(berth);
  await pushImage(berth.admin, 'team/app', 'v1', 'identities');
});
afterAll(() => berth[Symbol.asyncDispose]());

const exchangeForm = (form: Record<string, string>) =>
  berth.nobody('POST', '/oauth2/exchange', {
    body: new URLSearchParams(form).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });

/** Exchanges an access token as az does. */
async function refreshFrom(token: string): Promise<string> {
  const form = { grant_type: 'access_token', service: berth.loginServer, tenant: berth.tenantId, access_token: token };
  const answer = await exchangeForm(form);
  expect(answer.status, answer.text).toBe(200);
  expect(Object.keys(answer.json())).toEqual(['refresh_token']);
  return String(answer.json()['refresh_token']);
}

const byBasic = (robot: Pick<Robot, 'appId' | 'secret'>): Client =>
  berth.as({ username: robot.appId, password: robot.secret });

async function statusOf(client: Client, method: string, path: string): Promise<number> {
  return (await client(method, path)).status;
}

describe('an application with AcrPush', () => {
  let robot: Robot;
  beforeAll(async () => {
    robot = await azure.robot('pusher');
    await azure.assign(robot.objectId, roleIds.acrPush);
  });

  it('pushes and pulls by docker login with id and secret, and deletes nothing', async () => {
    const query = `account=${robot.appId}&client_id=docker&offline_token=true&service=${berth.loginServer}`;
    expect(await statusOf(byBasic(robot), 'GET', `/oauth2/token?${query}`)).toBe(200);
    const scopes = ['repository:team/app:pull,push,delete', 'registry:catalog:*'];
    const bearer = berth.bearer(await accessToken(byBasic(robot), ...scopes));
    await pushImage(bearer, 'team/app', 'v2', 'by the robot');
    expect(await statusOf(bearer, 'GET', '/v2/team/app/manifests/v2')).toBe(200);
    expect(await statusOf(bearer, 'GET', '/v2/_catalog')).toBe(200);
    expect(await statusOf(bearer, 'DELETE', '/acr/v1/team/app')).toBe(401);
    expect(await statusOf(byBasic(robot), 'GET', '/acr/v1/team/app/_tags')).toBe(200);
    expect(await statusOf(byBasic(robot), 'DELETE', '/acr/v1/team/app')).toBe(401);
  });

  it('does so by az acr login: an access token, a refresh token for three hours, an access token', async () => {
    const refresh = await refreshFrom(await azure.robotToken(robot, registryAudience));
    const { exp, iat, oid } = claimsOf(refresh);
    expect({ life: Number(exp) - Number(iat), oid }).toEqual({ life: 3 * 3600, oid: robot.objectId });
    const scope = 'repository:team/app:pull,push,metadata_write,metadata_read,delete';
    const answer = await postForm(berth.nobody, {
      grant_type: 'refresh_token',
      service: berth.loginServer,
      scope,
      refresh_token: refresh,
    });
    const token = String(answer.json()['access_token']);
    // az acr check-health reads the first entry (T-REG-7).
    expect(claimsOf(token)['access']).toEqual([
      { type: 'repository', name: 'team/app', actions: ['pull', 'push', 'metadata_read', 'metadata_write'] },
    ]);
    expect(await statusOf(berth.bearer(token), 'GET', '/v2/team/app/manifests/v1')).toBe(200);
    const dockerLogin = berth.as({ username: '00000000-0000-0000-0000-000000000000', password: refresh });
    expect(await statusOf(dockerLogin, 'GET', '/oauth2/token?service=x')).toBe(200);
    expect(await statusOf(berth.bearer(refresh), 'GET', '/v2/team/app/manifests/v1')).toBe(401);
  });

  it('leaves a record of each sign-in by its secret, refused or not', async () => {
    const wrong = { username: robot.appId, password: 'wrong' };
    expect((await berth.as(wrong)('GET', '/oauth2/token')).status).toBe(401);
    const form = { grant_type: 'password', service: 'x', username: robot.appId, password: robot.secret };
    expect((await postForm(berth.nobody, form)).status).toBe(200);
    expect((await postForm(berth.nobody, { ...form, username: randomUUID() })).status).toBe(401);
    const { signIns } = await berth.operator('GET', '/sign-ins?last=3');
    const known = { principalId: robot.objectId, principal: robot.appId, resource: `registry:${berth.registry}` };
    // Refused ones are written a moment later than they were.
    const byError = new Map((signIns as { error: string }[]).map((one) => [one.error, one]));
    expect(byError.get('')).toMatchObject({ ...known, flow: 'registry_password' });
    expect(byError.get('password-wrong')).toMatchObject(known);
    expect(byError.get('user-unknown')).toMatchObject({ principalId: '', principal: '' });
  });

  it('is answered 200 with nothing for odd scopes and for deleted content (T-REG-5)', async () => {
    const refresh = await refreshFrom(await azure.robotToken(robot, registryAudience));
    for (const scope of [
      'registry:None:*',
      'repository:team/app:deleted_read,deleted_restore',
      'registry:deleted_catalog:*',
    ]) {
      const answer = await postForm(berth.nobody, { grant_type: 'refresh_token', scope, refresh_token: refresh });
      expect(answer.status, scope).toBe(200);
      expect(claimsOf(String(answer.json()['access_token']))['access'], scope).toEqual([]);
    }
  });

  it('exchanges a token for the resource manager, too, and no other', async () => {
    await refreshFrom(await azure.robotToken(robot, azure.audience('management')));
    for (const token of [await azure.robotToken(robot, azure.audience('msgraph')), 'x', '']) {
      expect((await exchangeForm({ grant_type: 'access_token', service: 'x', access_token: token })).status).toBe(401);
    }
    const token = await azure.robotToken(robot, registryAudience);
    const foreign = { grant_type: 'access_token', tenant: '99999999-9999-4999-8999-999999999999', access_token: token };
    expect((await exchangeForm(foreign)).status).toBe(401);
    expect((await exchangeForm({ grant_type: 'access_token', access_token: token })).status).toBe(200);
  });

  it('is told apart from others in the log of refusals, with what it lacks', async () => {
    const answer = await byBasic(robot)('DELETE', '/acr/v1/team/app');
    const id = String(answer.headers['x-ms-correlation-request-id']);
    const told = await berth.operator('GET', `/refusals/${id}`);
    expect(JSON.stringify(told)).toContain('role-missing');
    expect(JSON.stringify(told)).toContain(`--assignee-object-id ${robot.objectId}`);
    expect(JSON.stringify(told)).toContain('AcrDelete');
    expect(answer.text).not.toContain('AcrDelete');
  });
});

describe('what is taken away counts with the next request', () => {
  /** A robot that pulls in every way that there is. */
  async function pullers(): Promise<{ robot: Robot; ways: () => Promise<number[]>; assignment: string }> {
    const robot = await azure.robot('puller');
    const assignment = await azure.assign(robot.objectId, roleIds.acrPull);
    const refresh = await refreshFrom(await azure.robotToken(robot, registryAudience));
    const bearer = berth.bearer(await accessToken(byBasic(robot), 'repository:team/app:pull'));
    const path = '/v2/team/app/manifests/v1';
    const ways = async () => {
      const renewed = await postForm(berth.nobody, {
        grant_type: 'refresh_token',
        scope: 'repository:team/app:pull',
        refresh_token: refresh,
      });
      const fresh = renewed.status === 200 ? berth.bearer(String(renewed.json()['access_token'])) : berth.nobody;
      return Promise.all([byBasic(robot), bearer, fresh].map((client) => statusOf(client, 'GET', path)));
    };
    // Twice, so that the answers are kept ones.
    expect(await ways()).toEqual([200, 200, 200]);
    expect(await ways()).toEqual([200, 200, 200]);
    return { robot, ways, assignment };
  }
  const nothing = [401, 401, 401];

  it('a role', async () => {
    const { ways, assignment } = await pullers();
    expect((await azure.arm('DELETE', `${assignment}?${armVersion}`)).status).toBe(200);
    expect(await ways()).toEqual(nothing);
    expect((await azure.arm('DELETE', `${assignment}?${armVersion}`)).status).toBe(204);
  });

  it('a secret', async () => {
    const { robot, ways } = await pullers();
    const path = `/v1.0/applications/${robot.applicationId}/removePassword`;
    expect((await azure.graph('POST', path, { keyId: robot.keyId })).status).toBe(204);
    expect(await ways()).toEqual(nothing);
  });

  it('a service principal that is disabled, until it is enabled again', async () => {
    const { robot, ways } = await pullers();
    const path = `/v1.0/servicePrincipals/${robot.objectId}`;
    expect((await azure.graph('PATCH', path, { accountEnabled: false })).status).toBe(204);
    expect(await ways()).toEqual(nothing);
    expect((await azure.graph('PATCH', path, { accountEnabled: true })).status).toBe(204);
    expect(await ways()).toEqual([200, 200, 200]);
  });

  it('a service principal: az ad sp delete', async () => {
    const { robot, ways } = await pullers();
    expect((await azure.graph('DELETE', `/v1.0/servicePrincipals/${robot.objectId}`)).status).toBe(204);
    expect(await ways()).toEqual(nothing);
    expect((await azure.graph('GET', `/v1.0/applications/${robot.applicationId}`)).status).toBe(200);
  });

  it('an application', async () => {
    const { robot, ways } = await pullers();
    expect((await azure.graph('DELETE', `/v1.0/applications/${robot.applicationId}`)).status).toBe(204);
    expect(await ways()).toEqual(nothing);
    expect((await azure.graph('GET', `/v1.0/servicePrincipals/${robot.objectId}`)).status).toBe(404);
  });
});

describe('a user', () => {
  it('uses the registry by exchange with the roles of an Owner, and not by password', async () => {
    const refresh = await refreshFrom(await azure.userToken(berth.operatorUser, registryAudience));
    const form = { grant_type: 'refresh_token', scope: 'repository:team/app:*', refresh_token: refresh };
    const token = String((await postForm(berth.nobody, form)).json()['access_token']);
    expect(claimsOf(token)).toMatchObject({
      sub: expect.stringMatching(/^user:/),
      access: [{ actions: ['pull', 'push', 'delete', 'metadata_read', 'metadata_write'] }],
    });
    const { username, password } = berth.operatorUser;
    const direct = await berth.nobody('GET', '/v2/', { headers: { authorization: basic(username, password) } });
    expect(direct.status).toBe(401);
  });
});
