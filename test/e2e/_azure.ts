import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { azureCli, type LoginAnswer, type LoginClient, loginClient } from './_login.ts';
import type { Berth, Person } from './_server.ts';

/** The audience of registries in every cloud (AZ-WIRE T-AUTH-12). */
export const registryAudience = 'https://containerregistry.azure.net';

/** Sends requests with JSON to one plane as one caller. */
export type Caller = (method: string, path: string, body?: unknown) => Promise<LoginAnswer>;

/** An application that can sign in. */
export interface Robot {
  readonly appId: string;
  /** Of the service principal. */
  readonly objectId: string;
  /** Of the application. */
  readonly applicationId: string;
  readonly secret: string;
  readonly keyId: string;
}

/** The planes of Azure of a running Berth, as its operator and as others. */
export interface Azure {
  readonly login: LoginClient;
  readonly registryId: string;
  readonly subscription: string;
  /** As the operator, an Owner of the subscription. */
  readonly graph: Caller;
  readonly arm: Caller;
  as(token: string): { graph: Caller; arm: Caller };
  /** An access token for a user by password. */
  userToken(person: Person, audience: string): Promise<string>;
  /** An access token for an application by secret. */
  robotToken(robot: Pick<Robot, 'appId' | 'secret'>, audience: string): Promise<string>;
  /** Makes application, secret and service principal in the order of `az ad sp create-for-rbac`. */
  robot(name: string): Promise<Robot>;
  /** Gives a role by its id and answers the id of the assignment. */
  assign(objectId: string, roleId: string, scope?: string): Promise<string>;
  /** The address of a plane as an audience. */
  audience(label: 'management' | 'msgraph'): string;
}

export const roleIds = {
  owner: '8e3af657-a8ff-443c-a75c-2fe8c4bcb635',
  contributor: 'b24988ac-6180-42a0-ab88-20f7382dd24c',
  reader: 'acdd72a7-3385-48ef-bd42-f606fba81ae7',
  acrPull: '7f951dda-4ed3-4680-a7ca-43fe172d538d',
  acrPush: '8311e382-0749-4cb8-b61a-304f252e45ec',
  acrDelete: 'c2f4ef07-c644-48eb-af81-4b1b4947fb11',
} as const;

export const armVersion = 'api-version=2022-04-01';

export async function azureOf(berth: Berth): Promise<Azure> {
  const login = await loginClient(berth);
  const port = berth.loginServer.split(':')[1] ?? '';
  const audience = (label: string): string => `https://${label}.e2e.localhost:${port}/`;
  const caller =
    (label: string, token: string): Caller =>
    (method, path, body) =>
      login(method, path, {
        label,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
  const tokenOf = async (form: Record<string, string>): Promise<string> => {
    const answer = await login.token(form);
    expect(answer.status, answer.text).toBe(200);
    return String(answer.json()['access_token']);
  };
  const userToken: Azure['userToken'] = ({ username, password }, resource) =>
    tokenOf({ client_id: azureCli, grant_type: 'password', username, password, scope: `${resource}/.default` });
  const as = (token: string) => ({ graph: caller('msgraph', token), arm: caller('management', token) });
  const graph = as(await userToken(berth.operatorUser, audience('msgraph'))).graph;
  const arm = as(await userToken(berth.operatorUser, audience('management'))).arm;
  const subscription = `/subscriptions/${berth.subscriptionId}`;
  const registryId = `${subscription}/resourceGroups/berth/providers/Microsoft.ContainerRegistry/registries/${berth.registry}`;

  const made = async (work: Promise<LoginAnswer>, status: number): Promise<Record<string, string>> => {
    const answer = await work;
    expect(answer.status, answer.text).toBe(status);
    return answer.json();
  };
  return {
    login,
    registryId,
    subscription,
    graph,
    arm,
    as,
    audience,
    userToken,
    robotToken: ({ appId, secret }, resource) =>
      tokenOf({
        client_id: appId,
        client_secret: secret,
        grant_type: 'client_credentials',
        scope: `${resource}/.default`,
      }),
    async robot(name) {
      const app = await made(graph('POST', '/v1.0/applications', { displayName: name, keyCredentials: [] }), 201);
      const password = await made(
        graph('POST', `/v1.0/applications/${app['id']}/addPassword`, { passwordCredential: { displayName: 'rbac' } }),
        200,
      );
      const { appId = '' } = app;
      const principal = await made(graph('POST', '/v1.0/servicePrincipals', { appId, accountEnabled: true }), 201);
      return {
        appId,
        objectId: principal['id'] ?? '',
        applicationId: app['id'] ?? '',
        secret: password['secretText'] ?? '',
        keyId: password['keyId'] ?? '',
      };
    },
    async assign(objectId, roleId, scope = registryId) {
      const path = `${scope}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}?${armVersion}`;
      const properties = {
        roleDefinitionId: `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${roleId}`,
        principalId: objectId,
        principalType: 'ServicePrincipal',
      };
      return (await made(arm('PUT', path, { properties }), 201))['id'] ?? '';
    },
  };
}
