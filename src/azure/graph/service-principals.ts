import type { ServicePrincipal } from '../../identity/index.ts';
import { type JsonObject, member } from '../../kernel/index.ts';
import { onlyByIds } from './applications.ts';
import { badBody, bodyOf, type GraphCall, onlyMembers, textIn } from './call.ts';
import { look, namesByIds } from './condition-lists.ts';
import { notFound, notThereYet } from './errors.ts';
import { isGuid } from './guid.ts';
import { listQueryOf, sendList, sendObject } from './lists.ts';
import { addPasswordTo, removePasswordFrom } from './passwords.ts';
import { wireServicePrincipal } from './wire.ts';

/** `GET /servicePrincipals` with the filters of AZ-WIRE §8.2 and T-GRAPH-1. */
export async function listServicePrincipals(call: GraphCall): Promise<void> {
  const { exchange, services } = call;
  const query = listQueryOf(exchange);
  if (!call.looksAround && !namesByIds(query)) throw onlyByIds();
  const wire = (one: ServicePrincipal) => wireServicePrincipal(one, services.tenantId);
  const byAppId = async (text: string) => (isGuid(text) ? services.applications.principalByAppId(text) : undefined);
  const looked = await look<ServicePrincipal>(query.conditions, {
    one: {
      appid: byAppId,
      id: async (text) => (isGuid(text) ? services.applications.principalById(text) : undefined),
    },
    containing: { serviceprincipalnames: byAppId },
    idOf: (one) => one.objectId,
  });
  if (looked.kind === 'each') return sendList(exchange, looked.found.map(wire), null);
  const { last, limit } = query;
  const page = await services.applications.listPrincipals({ filter: looked.filter, last, limit: limit + 1 });
  const shown = page.slice(0, limit);
  const final = page.length > limit ? shown.at(-1) : undefined;
  sendList(exchange, shown.map(wire), final ? { name: final.displayName, id: final.objectId } : null);
}

/** `POST /servicePrincipals`: who an application is in this tenant. */
export async function createServicePrincipal({ exchange, services }: GraphCall): Promise<void> {
  const body = principalBody(await bodyOf(exchange), ['appId', 'accountEnabled']);
  const appId = textIn(body, 'appId') ?? '';
  if (!isGuid(appId)) throw badBody('"appId" is not the id of an application');
  const made = await services.applications.createPrincipal(appId, enabledIn(body) ?? true);
  sendObject(exchange, 201, wireServicePrincipal(made, services.tenantId));
}

/** `GET /servicePrincipals/{id}`. */
export async function getServicePrincipal(call: GraphCall): Promise<void> {
  sendObject(call.exchange, 200, wireServicePrincipal(await existing(call), call.services.tenantId));
}

/** `PATCH /servicePrincipals/{id}`: whether it may sign in. */
export async function updateServicePrincipal(call: GraphCall): Promise<void> {
  const { objectId } = await existing(call);
  const enabled = enabledIn(principalBody(await bodyOf(call.exchange), ['accountEnabled']));
  if (enabled !== null) await call.services.applications.setEnabled(objectId, enabled);
  call.exchange.send(204);
}

/** `DELETE /servicePrincipals/{id}`: with its roles and its own secrets. The application stays, and opens nothing. */
export async function deleteServicePrincipal(call: GraphCall): Promise<void> {
  await call.services.applications.removePrincipal((await existing(call)).objectId);
  call.exchange.send(204);
}

/** `GET /servicePrincipals/{id}/owners`: nobody owns one here; who manages the directory manages all. */
export async function listOwners(call: GraphCall): Promise<void> {
  await existing(call);
  sendList(call.exchange, [], null);
}

/** `POST /servicePrincipals/{id}/addPassword`, as `az ad sp credential reset` asks. */
export async function addPassword(call: GraphCall): Promise<void> {
  await addPasswordTo(call, { appId: await applicationOf(call), owner: 'servicePrincipal' });
}

/** `POST /servicePrincipals/{id}/removePassword`. */
export async function removePassword(call: GraphCall): Promise<void> {
  await removePasswordFrom(call, { appId: await applicationOf(call), owner: 'servicePrincipal' });
}

async function applicationOf(call: GraphCall): Promise<string> {
  const { appId, kind } = await existing(call);
  if (kind === 'ManagedIdentity') throw badBody('a managed identity has no passwords; its resource signs in for it');
  return appId;
}

async function existing({ services, parameters }: GraphCall): Promise<ServicePrincipal> {
  const id = parameters['id'] ?? '';
  const principal = isGuid(id) ? await services.applications.principalById(id) : undefined;
  if (!principal) throw notFound(id);
  return principal;
}

function enabledIn(body: JsonObject): boolean | null {
  const enabled = member(body, 'accountEnabled') ?? null;
  if (enabled !== null && typeof enabled !== 'boolean') throw badBody('"accountEnabled" is neither true nor false');
  return enabled;
}

function principalBody(body: JsonObject, known: readonly string[]): JsonObject {
  const keys = member(body, 'keyCredentials') ?? null;
  if (keys !== null && !(Array.isArray(keys) && keys.length === 0)) {
    throw notThereYet('signing in by certificate (keyCredentials)');
  }
  return onlyMembers(body, [...known, 'keyCredentials']);
}
