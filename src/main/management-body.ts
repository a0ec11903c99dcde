import type { Exchange } from '../http/index.ts';
import { Fault, isObject, parseStrictJson, StrictJsonError } from '../kernel/index.ts';

/** The JSON object that a request to the management socket carries. Throws `request-invalid`. */
export async function readObject(exchange: Exchange): Promise<Record<string, unknown>> {
  const bytes = await exchange.readBody(256 * 1024);
  try {
    const value = parseStrictJson(bytes, { maxDepth: 8 });
    if (isObject(value)) return value;
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause;
    throw new Fault('request-invalid', `the body is not JSON: ${cause.message}`, { cause });
  }
  throw new Fault('request-invalid', 'the body is not a JSON object');
}

export function textOf(body: Record<string, unknown>, key: string): string {
  const value = optionalTextOf(body, key);
  if (value === undefined) throw new Fault('request-invalid', `"${key}" is missing`);
  return value;
}

export function optionalTextOf(body: Record<string, unknown>, key: string): string | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new Fault('request-invalid', `"${key}" is a text`);
  return value;
}

export function flagOf(body: Record<string, unknown>, key: string): boolean | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw new Fault('request-invalid', `"${key}" is true or false`);
  return value;
}
