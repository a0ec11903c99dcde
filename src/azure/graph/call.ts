import type { Exchange, RouteParameters } from '../../http/index.ts';
import type { Applications, People, Subject } from '../../identity/index.ts';
import {
  isObject,
  type JsonObject,
  type JsonValue,
  member,
  parseStrictJson,
  StrictJsonError,
} from '../../kernel/index.ts';
import { GraphError } from './errors.ts';

/** What handlers may use. */
export interface GraphServices {
  readonly applications: Applications;
  readonly people: People;
  readonly tenantId: string;
  readonly domain: string;
}

/** A request on its way into a handler: routed, authenticated, decided. */
export interface GraphCall {
  readonly exchange: Exchange;
  readonly services: GraphServices;
  readonly parameters: RouteParameters;
  readonly subject: Subject;
  /** Whether the caller may look at the whole directory: users, and who manages it. */
  readonly looksAround: boolean;
}

const maxBodyBytes = 64 * 1024;

/** The body as an object; an empty one where none came. Throws a GraphError. */
export async function bodyOf(exchange: Exchange): Promise<JsonObject> {
  const bytes = await exchange.readBody(maxBodyBytes);
  if (bytes.length === 0) return {};
  let value: JsonValue;
  try {
    value = parseStrictJson(bytes, { maxDepth: 16 });
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    throw badBody(`the body is not JSON: ${error.message}`);
  }
  if (!isObject(value)) throw badBody('the body is not an object');
  return value;
}

/**
 * Takes from a body what the route knows. A member that it does not know is refused by its name, unless it says nothing
 * (null, or an empty list): whoever sets something hears when it would be lost.
 */
export function onlyMembers(body: JsonObject, known: readonly string[]): JsonObject {
  for (const [name, value] of Object.entries(body)) {
    if (known.includes(name) || name.startsWith('@odata.')) continue;
    if (value === null || (Array.isArray(value) && value.length === 0)) continue;
    throw badBody(`"${name.slice(0, 60)}" cannot be set in this version of Berth`);
  }
  return body;
}

/** A text of a body; null where it is absent or null. */
export function textIn(body: JsonObject, name: string): string | null {
  const value = member(body, name) ?? null;
  if (value !== null && typeof value !== 'string') throw badBody(`"${name}" is not a text`);
  return value;
}

export function badBody(message: string): GraphError {
  return new GraphError(400, 'Request_BadRequest', message);
}
