import { Fault } from '../../kernel/index.ts';

const grammar =
  /^[A-Za-z0-9](?:[A-Za-z0-9._'+-]{0,62}[A-Za-z0-9_+-])?@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+$/;
const maxLength = 113;

/** A user principal name; a bare name is one of `domain`. Undefined for what is no name. */
export function readUserName(text: string, domain: string): string | undefined {
  if (text.length > maxLength) return undefined;
  const whole = text.includes('@') ? text : `${text}@${domain}`;
  return whole.length <= maxLength && grammar.test(whole) ? whole : undefined;
}

/** The same for a name that must be one. Throws `request-invalid`. */
export function parseUserName(text: string, domain: string): string {
  const name = readUserName(text, domain);
  if (name === undefined) {
    throw new Fault(
      'request-invalid',
      `"${text.slice(0, maxLength)}" is no user name; use letters, digits, ".", "_", "-", "+" or "'", with or without @domain`,
    );
  }
  return name;
}
