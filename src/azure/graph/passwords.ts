import type { SecretOwner } from '../../identity/index.ts';
import { isObject, type JsonObject, member } from '../../kernel/index.ts';
import { badBody, bodyOf, type GraphCall, onlyMembers, textIn } from './call.ts';
import { isGuid } from './guid.ts';
import { sendObject } from './lists.ts';
import { wirePassword } from './wire.ts';

type Owner = { readonly appId: string; readonly owner: SecretOwner };

/** Makes a password and answers it, this one time. A year long unless the body says otherwise. */
export async function addPasswordTo({ exchange, services }: GraphCall, owner: Owner): Promise<void> {
  const body = onlyMembers(await bodyOf(exchange), ['passwordCredential']);
  const given = member(body, 'passwordCredential') ?? {};
  if (!isObject(given)) throw badBody('"passwordCredential" is not an object');
  const wanted = onlyMembers(given, ['displayName', 'startDateTime', 'endDateTime']);
  const made = await services.applications.addSecret(owner, {
    displayName: textIn(wanted, 'displayName') ?? '',
    startMs: timeIn(wanted, 'startDateTime'),
    endMs: timeIn(wanted, 'endDateTime'),
  });
  exchange.response.setHeader('cache-control', 'no-store');
  sendObject(exchange, 200, wirePassword(made, made.secret));
}

/** Removes a password: what was made with it is dead with the next request. */
export async function removePasswordFrom({ exchange, services }: GraphCall, owner: Owner): Promise<void> {
  const body = onlyMembers(await bodyOf(exchange), ['keyId']);
  const keyId = textIn(body, 'keyId') ?? '';
  if (!isGuid(keyId)) throw badBody('"keyId" is not the key id of a password');
  await services.applications.removeSecret(owner, keyId);
  exchange.send(204);
}

const timeGrammar = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

function timeIn(body: JsonObject, name: string): number | null {
  const text = textIn(body, name);
  if (text === null) return null;
  const ms = timeGrammar.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw badBody(`"${name}" is not a time as in 2030-01-31T12:00:00Z`);
  return ms;
}
