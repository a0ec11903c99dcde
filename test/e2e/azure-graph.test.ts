import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graphRoutes } from '../../src/azure/graph/routes.ts';
import { type Azure, azureOf, type Caller, type Robot, roleIds } from './_azure.ts';
import { type Berth, startBerth } from './_server.ts';

let berth: Berth;
let azure: Azure;
beforeAll(async () => {
  berth = await startBerth();
  azure = await azureOf(berth);
});
afterAll(() => berth[Symbol.asyncDispose]());

interface Listed {
  readonly value: Record<string, unknown>[];
  readonly '@odata.nextLink'?: string;
}
interface Refusal {
  readonly error: { readonly code: string; readonly message: string; readonly innerError: Record<string, string> };
}

const filterOf = (filter: string): string => `$filter=${encodeURIComponent(filter)}`;

async function find(kind: string, filter: string): Promise<string[]> {
  const answer = await azure.graph('GET', `/v1.0/${kind}?${filterOf(filter)}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.json<Listed>().value.map((one) => String(one['displayName']));
}

async function refusalOf(work: ReturnType<Caller>): Promise<{ status: number; code: string; message: string }> {
  const answer = await work;
  const { code, message, innerError } = answer.json<Refusal>().error;
  expect(innerError).toMatchObject({ 'request-id': expect.any(String), date: expect.any(String) });
  return { status: answer.status, code, message };
}

describe('applications and service principals', () => {
  it('are made, found by every filter that az sends, renamed, and go again', async () => {
    expect(await find('servicePrincipals', "displayName eq 'ci robot'")).toEqual([]);
    expect(await find('applications', "startswith(displayName,'ci')")).toEqual([]);
    const robot = await azure.robot('ci robot');
    for (const filter of ["displayName eq 'CI Robot'", "startswith(displayName,'ci')", `appId eq '${robot.appId}'`]) {
      expect(await find('applications', filter), filter).toEqual(['ci robot']);
      expect(await find('servicePrincipals', filter), filter).toEqual(['ci robot']);
    }
    const byName = `servicePrincipalNames/any(c:c eq '${robot.appId.toUpperCase()}')`;
    expect(await find('servicePrincipals', byName)).toEqual(['ci robot']);
    expect(await find('servicePrincipals', `servicePrincipalNames/any(c:c eq 'http://ci')`)).toEqual([]);
    expect(await find('applications', "identifierUris/any(s:s eq 'http://ci')")).toEqual([]);

    const principal = (await azure.graph('GET', `/v1.0/servicePrincipals/${robot.objectId}`)).json();
    expect(principal).toMatchObject({
      '@odata.type': '#microsoft.graph.servicePrincipal',
      id: robot.objectId,
      appId: robot.appId,
      accountEnabled: true,
      servicePrincipalNames: [robot.appId],
      servicePrincipalType: 'Application',
      appOwnerOrganizationId: berth.tenantId,
      passwordCredentials: [],
      keyCredentials: [],
    });
    const application = (await azure.graph('GET', `/v1.0/applications/${robot.applicationId}`)).json<{
      passwordCredentials: Record<string, string>[];
    }>();
    expect(application).toMatchObject({ identifierUris: [], keyCredentials: [] });
    const [password] = application.passwordCredentials;
    expect(password).toMatchObject({ displayName: 'rbac', keyId: robot.keyId, hint: robot.secret.slice(0, 3) });
    expect(password?.['secretText']).toBeNull();
    const years = Date.parse(password?.['endDateTime'] ?? '') - Date.parse(password?.['startDateTime'] ?? '');
    expect(years).toBe(365 * 86_400_000);

    const path = `/v1.0/applications/${robot.applicationId}`;
    expect((await azure.graph('PATCH', path, { displayName: 'renamed', keyCredentials: [] })).status).toBe(204);
    expect(await find('servicePrincipals', `appId eq '${robot.appId}'`)).toEqual(['renamed']);
    expect((await azure.graph('DELETE', path)).status).toBe(204);
    expect(await refusalOf(azure.graph('GET', path))).toMatchObject({ status: 404, code: 'Request_ResourceNotFound' });
    expect(await find('servicePrincipals', `appId eq '${robot.appId}'`)).toEqual([]);
  });

  it('have secrets for as long as was asked, of which each opens until it is removed: az ad sp credential reset', async () => {
    const robot = await azure.robot('reset');
    const base = `/v1.0/servicePrincipals/${robot.objectId}`;
    const passwordCredential = {
      displayName: null,
      startDateTime: '2026-01-01T00:00:00Z',
      endDateTime: '2099-12-31T23:59:59.5+01:00',
    };
    const made = await azure.graph('POST', `${base}/addPassword`, { passwordCredential });
    expect(made.headers['cache-control']).toBe('no-store');
    const { secretText, keyId } = made.json<{ secretText: string; keyId: string }>();
    expect(made.json()).toMatchObject({ displayName: null, endDateTime: '2099-12-31T22:59:59Z' });
    const opens = async (secret: string) =>
      (await berth.as({ username: robot.appId, password: secret })('GET', '/oauth2/token')).status;
    expect([await opens(secretText), await opens(robot.secret)]).toEqual([200, 200]);
    const listed = (await azure.graph('GET', base)).json<{ passwordCredentials: { keyId: string }[] }>();
    expect(listed.passwordCredentials.map((one) => one.keyId)).toEqual([keyId]);
    expect((await azure.graph('POST', `${base}/removePassword`, { keyId })).status).toBe(204);
    expect([await opens(secretText), await opens(robot.secret)]).toEqual([401, 200]);
    expect(await refusalOf(azure.graph('POST', `${base}/removePassword`, { keyId }))).toMatchObject({ status: 404 });
  });

  it('are listed page by page in the order of their names', async () => {
    for (const letter of ['c', 'A', 'b']) await azure.robot(`page ${letter}`);
    const names: unknown[] = [];
    let path: string | undefined =
      `/v1.0/servicePrincipals?$top=2&${filterOf("startswith(displayName,'page')")}&$select=displayName`;
    let pages = 0;
    while (path !== undefined) {
      const page: Listed = (await azure.graph('GET', path)).json<Listed>();
      for (const one of page.value) expect(Object.keys(one).toSorted()).toEqual(['@odata.type', 'displayName', 'id']);
      names.push(...page.value.map((one) => one['displayName']));
      const next: string | undefined = page['@odata.nextLink'];
      expect(next ?? azure.audience('msgraph')).toMatch(azure.audience('msgraph'));
      path = next === undefined ? undefined : next.slice(azure.audience('msgraph').length - 1);
      pages += 1;
    }
    expect({ names, pages }).toEqual({ names: ['page A', 'page b', 'page c'], pages: 2 });
  });

  it('refuse what this version does not have, by its name, and what is malformed', async () => {
    const robot = await azure.robot('strict');
    const app = `/v1.0/applications/${robot.applicationId}`;
    const cases: [string, string, unknown, number, RegExp][] = [
      ['POST', '/v1.0/applications', { displayName: 'x', keyCredentials: [{ type: 'x' }] }, 400, /not there yet/],
      ['POST', '/v1.0/applications', { displayName: 'x', identifierUris: ['api://x'] }, 400, /identifierUris/],
      ['POST', '/v1.0/applications', { displayName: 'x', signInAudience: 'AzureADMultipleOrgs' }, 400, /not there yet/],
      ['POST', '/v1.0/applications', {}, 400, /displayName/],
      ['POST', '/v1.0/applications', { displayName: 5 }, 400, /displayName/],
      ['POST', '/v1.0/applications', [], 400, /not an object/],
      ['PATCH', app, { web: { redirectUris: ['x'] } }, 400, /"web"/],
      ['POST', `${app}/addPassword`, { passwordCredential: { endDateTime: '2020-01-01T00:00:00Z' } }, 400, /after now/],
      ['POST', `${app}/addPassword`, { passwordCredential: { endDateTime: 'tomorrow' } }, 400, /endDateTime/],
      ['POST', `${app}/removePassword`, { keyId: 'x' }, 400, /keyId/],
      ['POST', '/v1.0/servicePrincipals', { appId: robot.appId }, 409, /already/],
      ['POST', '/v1.0/servicePrincipals', { appId: randomUUID() }, 404, /no application/],
      ['POST', '/v1.0/servicePrincipals', { appId: 'x' }, 400, /appId/],
      ['GET', `/v1.0/applications?${filterOf("displayName ne 'x'")}`, undefined, 400, /\$filter/],
      ['GET', `/v1.0/applications?${filterOf("notes eq 'x'")}`, undefined, 400, /notes/],
      ['GET', '/v1.0/applications?$count=true', undefined, 400, /\$count/],
      ['GET', '/v1.0/applications?$expand=owners', undefined, 400, /\$expand/],
      ['GET', '/v1.0/applications?$top=0', undefined, 400, /\$top/],
      ['GET', '/v1.0/applications?$skiptoken=x', undefined, 400, /\$skiptoken/],
      ['GET', '/v1.0/servicePrincipals/nobody', undefined, 404, /nobody/],
      ['GET', '/v1.0/applications/%00', undefined, 404, /does not exist/],
      ['GET', '/beta/applications', undefined, 404, /\/v1\.0/],
      ['GET', '/v1.0/devices', undefined, 404, /version of Berth/],
      ['POST', '/v1.0/users', {}, 405, /not there yet/],
    ];
    for (const [method, path, body, status, message] of cases) {
      const told = await refusalOf(azure.graph(method, path, body));
      expect({ path, body, status: told.status }).toEqual({ path, body, status });
      expect(told.message, `${method} ${path}`).toMatch(message);
    }
  });
});

describe('people', () => {
  it('are found: me, by name, by id, and by the filter of --assignee', async () => {
    const me = (await azure.graph('GET', '/v1.0/me')).json<{ id: string; userPrincipalName: string }>();
    const { username } = berth.operatorUser;
    expect(me.userPrincipalName).toBe(username);
    for (const path of [`/v1.0/users/${me.id}`, `/v1.0/users/${encodeURIComponent(username.toUpperCase())}`])
      expect((await azure.graph('GET', path)).json()).toEqual(me);
    for (const filter of [
      `userPrincipalName eq '${username}' or mail eq '${username}'`,
      `startswith(userPrincipalName,'${username.slice(0, 3)}')`,
    ]) {
      const found = (await azure.graph('GET', `/v1.0/users?${filterOf(filter)}`)).json<Listed>();
      expect(
        found.value.map((one) => one['id']),
        filter,
      ).toEqual([me.id]);
    }
    expect((await azure.graph('GET', '/v1.0/users/nobody@nowhere')).status).toBe(404);
    expect((await azure.graph('GET', '/v1.0/groups')).json<Listed>().value).toEqual([]);
    const organization = (await azure.graph('GET', '/v1.0/organization')).json<Listed>();
    expect(organization.value).toEqual([expect.objectContaining({ id: berth.tenantId })]);
  });

  it('and applications get their names from their ids: az role assignment list', async () => {
    const robot = await azure.robot('named');
    const me = (await azure.graph('GET', '/v1.0/me')).json<{ id: string }>();
    const types = ['user', 'group', 'servicePrincipal', 'directoryObjectPartnerReference'];
    const ids = [robot.objectId, me.id, randomUUID(), 'x', robot.objectId.toUpperCase()];
    const found = (await azure.graph('POST', '/v1.0/directoryObjects/getByIds', { ids, types })).json<Listed>();
    expect(found.value.map((one) => [one['@odata.type'], one['id']])).toEqual([
      ['#microsoft.graph.servicePrincipal', robot.objectId],
      ['#microsoft.graph.user', me.id],
    ]);
    const many = Array.from({ length: 1001 }, () => randomUUID());
    expect((await azure.graph('POST', '/v1.0/directoryObjects/getByIds', { ids: many })).status).toBe(400);
  });
});

describe('who may do what in the directory', () => {
  let plain: Robot;
  let managing: Robot;
  let asManaging: Caller;
  let asPlain: Caller;
  let asReader: Caller;
  let forManagement: string;
  beforeAll(async () => {
    plain = await azure.robot('plain');
    managing = await azure.robot('managing');
    await azure.assign(managing.objectId, roleIds.owner, azure.subscription);
    // The right is at the subscription: an Owner of one registry does not manage everybody.
    await azure.assign(plain.objectId, roleIds.owner);
    await berth.operator('POST', '/users', { name: 'reader', password: 'a long enough password' });
    const audience = azure.audience('msgraph');
    const reader = { username: 'reader@e2e.localhost', password: 'a long enough password' };
    asManaging = azure.as(await azure.robotToken(managing, audience)).graph;
    asPlain = azure.as(await azure.robotToken(plain, audience)).graph;
    asReader = azure.as(await azure.userToken(reader, audience)).graph;
    forManagement = await azure.userToken(berth.operatorUser, azure.audience('management'));
  });

  /** A request of a route that would do no harm if it were allowed. */
  const requestOf = (id: string, pattern: string, robot: Robot): [path: string, body: unknown] => {
    const known = id.startsWith('applications') ? robot.applicationId : robot.objectId;
    const path = pattern.replace('{id}', id.startsWith('groups') || id.startsWith('users') ? randomUUID() : known);
    const listed = id === 'applications.list' || id === 'servicePrincipals.list';
    return [
      listed ? `${path}?${filterOf(`appId eq '${robot.appId}'`)}` : path,
      id.endsWith('.create') ? { keyCredentials: [] } : {},
    ];
  };

  it.each(graphRoutes.filter((route) => !route.id.endsWith('.delete')))(
    '$methods $id is for $right',
    async ({ id, methods, pattern, right }) => {
      const [method = ''] = methods;
      const callers: [string, Caller, boolean][] = [
        ['the operator', azure.graph, true],
        ['an owner', asManaging, true],
        ['a user', asReader, right !== 'manage'],
        ['an application', asPlain, right === 'anyone' || right === 'self'],
      ];
      for (const [who, caller, allowed] of callers) {
        const [path, body] = requestOf(id, pattern, managing);
        const answer = await caller(method, path, method === 'GET' ? undefined : body);
        expect([who, answer.status === 403, answer.status !== 401], answer.text).toEqual([who, !allowed, true]);
      }
      for (const token of ['', 'x', forManagement]) {
        const [path, body] = requestOf(id, pattern, managing);
        const told = await refusalOf(azure.as(token).graph(method, path, method === 'GET' ? undefined : body));
        expect(told).toMatchObject({ status: 401, code: 'InvalidAuthenticationToken' });
      }
    },
  );

  it('an application finds itself and others by id, and lists nobody', async () => {
    const graph = asPlain;
    const filters = [`appId eq '${managing.appId}'`, `servicePrincipalNames/any(c:c eq '${plain.appId}')`];
    for (const filter of filters)
      expect((await graph('GET', `/v1.0/servicePrincipals?${filterOf(filter)}`)).json<Listed>().value).toHaveLength(1);
    for (const query of [
      '',
      `?${filterOf("displayName eq 'managing'")}`,
      `?${filterOf("startswith(displayName,'m')")}`,
    ])
      for (const kind of ['applications', 'servicePrincipals'])
        expect((await graph('GET', `/v1.0/${kind}${query}`)).status, kind + query).toBe(403);
    expect((await graph('GET', '/v1.0/me')).status).toBe(400);
    const me = (await azure.graph('GET', '/v1.0/me')).json<{ id: string }>();
    const ids = [me.id, managing.objectId];
    const named = (await graph('POST', '/v1.0/directoryObjects/getByIds', { ids })).json<Listed>();
    for (const id of ids) {
      const path = `/v1.0/directoryObjects/${id}/getMemberGroups`;
      const isPrincipal = named.value.some((one) => one['id'] === id);
      expect((await graph('POST', path, { securityEnabledOnly: true })).status).toBe(isPrincipal ? 200 : 404);
      expect((await azure.graph('POST', path, { securityEnabledOnly: true })).status).toBe(200);
    }
    expect(named.value.map((one) => one['id'])).toEqual([managing.objectId]);
    for (const path of [`/v1.0/applications/${plain.applicationId}`, `/v1.0/servicePrincipals/${plain.objectId}`])
      expect((await graph('DELETE', path)).status).toBe(403);
  });

  it('no secret is ever shown twice', async () => {
    const texts = await Promise.all(
      [`applications/${plain.applicationId}`, 'applications', 'servicePrincipals'].map(
        async (path) => (await azure.graph('GET', `/v1.0/${path}`)).text,
      ),
    );
    for (const text of texts) expect(text).not.toContain(plain.secret);
  });
});
