import { type Explanation, Fault, operatorOnly, type SpecificRule } from '../kernel/index.ts';
import { type AttributeName, lockBits } from './locks.ts';

/** What carries the lock: the repository, or a tag or manifest in it. `locks` is its mask, where it is known. */
export interface LockedThing {
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
  readonly locks: number;
}

/** The refusal of a lock. The caller hears `message`, the operator which switch of what is off and how it is turned on. */
export function lockedFault(message: string, thing: LockedThing, refusing: number): Fault {
  return new Fault('locked', message, { operator: operatorOnly(explain(thing, refusing)) });
}

function explain(thing: LockedThing, refusing: number): Explanation {
  const off = (Object.keys(lockBits) as AttributeName[]).filter((name) => thing.locks & refusing & lockBits[name]);
  const [rule, what, path] = describe(thing);
  const body = JSON.stringify(Object.fromEntries(off.map((name) => [name, true])));
  return {
    rule,
    because: `${what} is locked by ${off.map((name) => `${name}=false`).join(' and ')}`,
    cure: `PATCH ${path} with ${body}, as the admin or with metadata/write; az acr repository update does the same`,
  };
}

function describe({ repository, tag, digest }: LockedThing): [rule: SpecificRule, what: string, path: string] {
  const base = `/acr/v1/${repository}`;
  if (tag !== undefined) return ['tag-locked', `tag ${tag} of ${repository}`, `${base}/_tags/${tag}`];
  if (digest !== undefined) {
    return ['manifest-locked', `manifest ${digest} of ${repository}`, `${base}/_manifests/${digest}`];
  }
  return ['repository-locked', `repository ${repository}`, base];
}
