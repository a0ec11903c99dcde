import type { Exchange } from '../../http/index.ts';
import { OAuthRefusal } from './refusal.ts';

const maxBytes = 64 * 1024;
const maxFields = 100;

/** Fields of a form or query, each at most once (RFC 6749 §3.1: no parameter twice). */
export interface Fields {
  get(name: string): string | undefined;
  /** A field that must be there. Throws `parameter-missing`. */
  need(name: string): string;
}

/** Reads the body of a form. Throws an OAuthRefusal, or the `request-invalid` of a body that is too large or broke off. */
export async function readForm(exchange: Exchange): Promise<Fields> {
  const type = (exchange.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') {
    throw new OAuthRefusal('request-malformed', 'send the fields as application/x-www-form-urlencoded');
  }
  return parseFields((await exchange.readBody(maxBytes)).toString('utf8'));
}

/** Reads `a=1&b=2`. Throws an OAuthRefusal for a field that comes twice. */
export function parseFields(text: string | URLSearchParams): Fields {
  const fields = new Map<string, string>();
  let count = 0;
  for (const [name, value] of typeof text === 'string' ? new URLSearchParams(text) : text) {
    if (++count > maxFields) throw new OAuthRefusal('request-malformed', `there are more than ${maxFields} fields`);
    if (name.includes('\0') || value.includes('\0')) {
      throw new OAuthRefusal('request-malformed', `the field "${printable(name)}" holds a NUL`);
    }
    if (fields.has(name)) {
      throw new OAuthRefusal('request-malformed', `the field "${printable(name)}" is there more than once`);
    }
    fields.set(name, value);
  }
  // An empty field counts as one that was left out (RFC 6749 §3.1).
  const get = (name: string): string | undefined => fields.get(name) || undefined;
  return {
    get,
    need(name) {
      const value = get(name);
      if (value === undefined) throw new OAuthRefusal('parameter-missing', `the field "${name}" is missing`);
      return value;
    },
  };
}

/** Text of a client that goes into a message: short, and without what terminals obey. */
export function printable(text: string, maxLength = 100): string {
  return text.slice(0, maxLength).replaceAll(/[^\x20-\x7e]/g, '?');
}
