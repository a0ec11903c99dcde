import type { Application } from '../../identity/index.ts';
import { type JsonObject, member } from '../../kernel/index.ts';
import { badBody, bodyOf, type GraphCall, onlyMembers, textIn } from './call.ts';
import { look, namesByIds } from './condition-lists.ts';
import { GraphError, notFound, notThereYet } from './errors.ts';
import { isGuid } from './guid.ts';
import { listQueryOf, sendList, sendObject } from './lists.ts';
import { addPasswordTo, removePasswordFrom } from './passwords.ts';
import { wireApplication } from './wire.ts';

/** `GET /applications` with the filters of AZ-WIRE §8.2. */
export async function listApplications(call: GraphCall): Promise<void> {
  const { exchange, services } = call;
  const query = listQueryOf(exchange);
  if (!call.looksAround && !namesByIds(query)) throw onlyByIds();
  const looked = await look<Application>(query.conditions, {
    one: {
      appid: async (text) => (isGuid(text) ? services.applications.byAppId(text) : undefined),
      id: async (text) => (isGuid(text) ? services.applications.byId(text) : undefined),
    },
    // No application here has such a name.
    containing: { identifieruris: async () => undefined },
    idOf: (one) => one.objectId,
  });
  if (looked.kind === 'each') return sendList(exchange, looked.found.map(wireApplication), null);
  const { last, limit } = query;
  const page = await services.applications.list({ filter: looked.filter, last, limit: limit + 1 });
  const shown = page.slice(0, limit);
  const final = page.length > limit ? shown.at(-1) : undefined;
  sendList(exchange, shown.map(wireApplication), final ? { name: final.displayName, id: final.objectId } : null);
}

/** `POST /applications`. */
export async function createApplication({ exchange, services }: GraphCall): Promise<void> {
  const body = applicationBody(await bodyOf(exchange));
  const displayName = textIn(body, 'displayName');
  if (displayName === null) throw badBody('"displayName" is missing');
  sendObject(exchange, 201, wireApplication(await services.applications.create(displayName)));
}

/** `GET /applications/{id}`. */
export async function getApplication(call: GraphCall): Promise<void> {
  sendObject(call.exchange, 200, wireApplication(await existing(call)));
}

/** `PATCH /applications/{id}`: another display name. */
export async function updateApplication(call: GraphCall): Promise<void> {
  const { objectId } = await existing(call);
  const body = applicationBody(await bodyOf(call.exchange));
  const displayName = textIn(body, 'displayName');
  if (displayName !== null) await call.services.applications.rename(objectId, displayName);
  call.exchange.send(204);
}

/** `DELETE /applications/{id}`: with its service principal, its secrets and its roles, for good. */
export async function deleteApplication(call: GraphCall): Promise<void> {
  await call.services.applications.remove((await existing(call)).objectId);
  call.exchange.send(204);
}

/** `GET /applications/{id}/owners`: nobody owns one here; who manages the directory manages all. */
export async function listOwners(call: GraphCall): Promise<void> {
  await existing(call);
  sendList(call.exchange, [], null);
}

/** `POST /applications/{id}/addPassword`. */
export async function addPassword(call: GraphCall): Promise<void> {
  const { appId } = await existing(call);
  await addPasswordTo(call, { appId, owner: 'application' });
}

/** `POST /applications/{id}/removePassword`. */
export async function removePassword(call: GraphCall): Promise<void> {
  const { appId } = await existing(call);
  await removePasswordFrom(call, { appId, owner: 'application' });
}

/** What a list answers to who may only look up by id. */
export function onlyByIds(): GraphError {
  return new GraphError(
    403,
    'Authorization_RequestDenied',
    'Insufficient privileges: a service principal looks others up by appId or id; to list them all it needs a role at the subscription that may write role assignments',
  );
}

async function existing({ services, parameters }: GraphCall): Promise<Application> {
  const id = parameters['id'] ?? '';
  const application = isGuid(id) ? await services.applications.byId(id) : undefined;
  if (!application) throw notFound(id);
  return application;
}

const audience = 'AzureADMyOrg';

function applicationBody(body: JsonObject): JsonObject {
  for (const name of ['keyCredentials', 'passwordCredentials']) {
    const value = member(body, name) ?? null;
    if (value !== null && !(Array.isArray(value) && value.length === 0)) {
      throw notThereYet(
        name === 'keyCredentials'
          ? 'signing in by certificate (keyCredentials)'
          : 'setting passwordCredentials other than by addPassword',
      );
    }
  }
  const asked = textIn(body, 'signInAudience');
  if (asked !== null && asked !== audience) throw notThereYet(`signInAudience other than ${audience}`);
  return onlyMembers(body, ['displayName', 'keyCredentials', 'passwordCredentials', 'signInAudience']);
}
