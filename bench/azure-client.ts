import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { RunningBerth } from './berth.ts';
import { benchDomain } from './berth-program.ts';
import type { Credentials } from './contenders.ts';

/** The planes beside those of registries, by the first label of their hosts. */
export type Plane = 'management' | 'login' | 'msgraph';

/** What a token is for: a plane, or registries. */
export type Audience = Exclude<Plane, 'login'> | 'registry';

/** An application that can sign in, as its `username`, with a secret. */
export interface Robot extends Credentials {
  /** Of its service principal. */
  readonly objectId: string;
}

/** Sends requests to the planes of Azure of a running Berth, outside a measurement. Every answer but a 2xx is an error. */
export interface AzureClient extends Disposable {
  call(plane: Plane, token: string, asked: { method: string; path: string; body?: unknown }): Promise<unknown>;
  /** An access token for a user by password. */
  userToken(user: Credentials, audience: Audience): Promise<string>;
  /** An access token for an application by secret. */
  robotToken(robot: Credentials, audience: Audience): Promise<string>;
  /** Makes an application, its secret and its service principal; `token` is for Graph. */
  robot(token: string, displayName: string): Promise<Robot>;
}

/** The one public client whose id all of az's requests carry. */
const azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';

export const roles = {
  reader: 'acdd72a7-3385-48ef-bd42-f606fba81ae7',
  pull: '7f951dda-4ed3-4680-a7ca-43fe172d538d',
} as const;

/** Host name of a plane, without port. */
export function planeHost(plane: Plane): string {
  return `${plane}.${benchDomain}`;
}

/** The PUT that gives somebody a role at a scope. */
export function assignment(
  scope: string,
  { objectId, role, subscriptionId }: { objectId: string; role: string; subscriptionId: string },
): { method: 'PUT'; path: string; body: unknown } {
  const definition = `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${role}`;
  return {
    method: 'PUT',
    path: `${scope}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}?api-version=2022-04-01`,
    body: { properties: { roleDefinitionId: definition, principalId: objectId, principalType: 'ServicePrincipal' } },
  };
}

/** Opens a client; disposing it closes its connections. */
export function azureClient({ endpoints, tenantId }: RunningBerth): AzureClient {
  const { host, port, ca } = endpoints.tls;
  const agent = new Agent({ keepAlive: true, maxSockets: 4, ...(ca === undefined ? {} : { ca }) });

  const send = async (
    plane: Plane,
    { method, path, headers, body }: { method: string; path: string; headers: Record<string, string>; body?: string },
  ): Promise<unknown> => {
    const name = planeHost(plane);
    const outgoing = request({
      agent,
      host,
      port,
      servername: name,
      method,
      path,
      headers: { host: `${name}:${port}`, 'content-length': Buffer.byteLength(body ?? ''), ...headers },
    });
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    const { statusCode = 0 } = response;
    const answer = await text(response);
    if (statusCode >= 300) throw new Error(`${method} ${name}${path} answered ${statusCode}: ${answer.slice(0, 300)}`);
    return answer === '' ? undefined : (JSON.parse(answer) as unknown);
  };

  const call: AzureClient['call'] = (plane, token, { method, path, body }) =>
    send(plane, {
      method,
      path,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  const token = async (audience: Audience, form: Record<string, string>): Promise<string> => {
    const resource =
      audience === 'registry' ? 'https://containerregistry.azure.net' : `https://${planeHost(audience)}:${port}/`;
    const answer = (await send('login', {
      method: 'POST',
      path: `/${tenantId}/oauth2/v2.0/token`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ scope: `${resource}/.default`, ...form }).toString(),
    })) as { access_token: string };
    return answer.access_token;
  };

  return {
    call,
    userToken: ({ username, password }, audience) =>
      token(audience, { grant_type: 'password', client_id: azureCli, username, password }),
    robotToken: ({ username, password }, audience) =>
      token(audience, { grant_type: 'client_credentials', client_id: username, client_secret: password }),
    async robot(graphToken, displayName) {
      const post = (path: string, body: unknown): Promise<unknown> =>
        call('msgraph', graphToken, { method: 'POST', path: `/v1.0${path}`, body });
      const made = (await post('/applications', { displayName })) as { id: string; appId: string };
      const { secretText } = (await post(`/applications/${made.id}/addPassword`, {})) as { secretText: string };
      const { id } = (await post('/servicePrincipals', { appId: made.appId })) as { id: string };
      return { username: made.appId, password: secretText, objectId: id };
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}
