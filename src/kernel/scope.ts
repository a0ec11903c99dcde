import { Fault } from './fault.ts';

/** One right as asked for at the token endpoint: `type:name:action,action`. */
export interface Scope {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

const maxScopes = 100;
const maxLength = 8 * 1024;

/** RFC 6749 §3.3 `scope-token`, cut at the first and the last colon; a type may carry a class, as in `repository(plugin)`. */
const grammar = /^([a-z0-9-]+)(?:\([a-z0-9]+\))?:([\x21\x23-\x5b\x5d-\x7e]+):([^:]+)$/;
const action = /^(?:\*|[a-z0-9_-]+)$/;

/**
 * Reads the `scope` parameters of a token request: repeated, separated by blanks, or both. Names may hold colons and
 * slashes. The class of a type is dropped. Unknown types and actions are kept, since they grant nothing; what is no scope at
 * all is ignored, because clients ask for odd ones and expect a token with less (AZ-WIRE T-REG-5). Throws
 * `request-invalid` above 100 scopes or 8 KiB.
 */
export function parseScopes(values: readonly string[]): Scope[] {
  const length = values.reduce((sum, value) => sum + value.length, 0);
  if (length > maxLength) {
    throw new Fault('request-invalid', `scopes of ${length} characters asked for; at most ${maxLength} are taken`);
  }
  const asked = values.flatMap((value) => value.split(' ')).filter((text) => text !== '');
  if (asked.length > maxScopes) {
    throw new Fault('request-invalid', `${asked.length} scopes asked for; at most ${maxScopes} are taken`);
  }
  return asked.flatMap(parseScope);
}

function parseScope(text: string): Scope[] {
  const [, type, name, list] = grammar.exec(text) ?? [];
  if (type === undefined || name === undefined || list === undefined) return [];
  const actions = [...new Set(list.split(',').filter((part) => action.test(part)))];
  return actions.length === 0 ? [] : [{ type, name, actions }];
}
