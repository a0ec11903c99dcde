import { type Clock, Fault, scopesAbove } from '../../kernel/index.ts';
import type { Database } from '../../ports/index.ts';
import { noGrants } from '../grants.ts';
import type { Principal } from '../principal.ts';
import { roleById } from '../roles/built-in-roles.ts';
import type { RoleGrant } from '../roles/permits.ts';
import { hashSecret, secretMatches } from '../secrets.ts';
import {
  accountByCredential,
  principalBySecret,
  rolesAt,
  rolesBelow,
  type SubjectRecord,
  secretsOfApplication,
} from './directory-store.ts';

/** Somebody of the directory whom a credential has proved, without any right yet. */
export interface Subject {
  readonly kind: 'user' | 'service-principal';
  readonly objectId: string;
  /** User principal name, or application id. */
  readonly name: string;
  readonly displayName: string;
  /** Which password or secret proved it; what is made from it dies with it. */
  readonly credentialId: string;
  /** When the credential ends, Unix milliseconds; null for never. */
  readonly expiresAt: number | null;
}

/** What a token says of its subject. */
export type SubjectClaims = Pick<Subject, 'kind' | 'objectId' | 'credentialId'>;

/** What became of a try to sign in by secret. `name` is that of a service principal that is there. */
export type SecretJudgement =
  | { readonly subject: Subject }
  | { readonly refused: 'unknown'; readonly name: null }
  | { readonly refused: 'wrong' | 'disabled' | 'ended' | 'early'; readonly name: string };

/** Who is who in the tenant, read for each request, so that what was taken away is gone with the next one. */
export interface Directory {
  /** The subject of a token, as long as its account is enabled and its credential there. Throws `unauthenticated`. */
  subjectOf(claims: SubjectClaims): Promise<Subject>;
  /** The service principal of an application by its secret. Undefined when it is wrong, ended or not there. */
  bySecret(appId: string, secret: string): Promise<Subject | undefined>;
  /** The service principal of an application, without any proof; null when there is none. */
  application(appId: string): Promise<Pick<Subject, 'objectId' | 'name'> | null>;
  /** The same, with the reason of a refusal; for operators only. */
  judgeSecret(appId: string, secret: string): Promise<SecretJudgement>;
  /** The roles of somebody that count at a scope (a key): there and above. */
  rolesOf(objectId: string, scope: string): Promise<readonly RoleGrant[]>;
  /** The roles of somebody below a scope (a key), by scope: what decides which parts of a list they see. */
  rolesBelow(objectId: string, scope: string): Promise<readonly RoleGrant[]>;
  /** The subject as one who asks the resource manager about `scope`. */
  principalAt(subject: Subject, scope: string): Promise<Principal>;
}

/** Rows that one statement brings of what somebody has below a scope. */
const rowsAtOnce = 1000;
/** Scopes that one statement asks for; no resource has more above it. */
const scopesAtOnce = 8;
const applicationId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Makes the directory. */
export function directory(options: { database: Database; clock: Clock }): Directory {
  const { database, clock } = options;

  const rolesOf = async (objectId: string, scope: string): Promise<readonly RoleGrant[]> => {
    const scopes = scopesAbove(scope);
    if (scopes.length > scopesAtOnce) return [];
    const [s0 = '', s1 = '', s2 = '', s3 = '', s4 = '', s5 = '', s6 = '', s7 = ''] = scopes;
    const rows = await database.all(rolesAt, { principalId: objectId, s0, s1, s2, s3, s4, s5, s6, s7 });
    return rows.flatMap((row) => {
      const role = roleById(row.role_id);
      return role === undefined ? [] : [{ scope: row.scope_key, role }];
    });
  };

  /** What is no id is that of nobody, and no database takes every character. */
  const secretsOf = async (appId: string) =>
    applicationId.test(appId) ? database.all(secretsOfApplication, { appId: appId.toLowerCase() }) : [];

  const judgeSecret: Directory['judgeSecret'] = async (appId, secret) => {
    const rows = await secretsOf(appId);
    // Each is compared, so that time does not tell which one was near.
    const matching = rows.filter((row) => row.key_id !== null && secretMatches(secret, row.key_id, row.hash ?? ''))[0];
    // An unknown application costs as many hashes as one with two secrets.
    for (let missing = rows.length; missing < 2; missing++) hashSecret(secret, appId);
    const known = rows[0];
    if (!known) return { refused: 'unknown', name: null };
    const name = nameOf({ kind: 'service-principal', name: known.name, objectId: known.object_id });
    if (!matching || matching.key_id === null || matching.end_ms === null) return { refused: 'wrong', name };
    if (matching.enabled !== 1) return { refused: 'disabled', name };
    if (matching.end_ms <= clock.now()) return { refused: 'ended', name };
    if ((matching.start_ms ?? 0) > clock.now()) return { refused: 'early', name };
    return { subject: living('service-principal', matching, matching.key_id, matching.end_ms) };
  };

  return {
    async subjectOf(claims) {
      const { objectId, credentialId } = claims;
      if (claims.kind === 'user') {
        const row = await database.first(accountByCredential, { objectId, credentialId });
        return living(claims.kind, row, credentialId, null);
      }
      const row = await database.first(principalBySecret, { objectId, keyId: credentialId });
      if (row && row.end_ms <= clock.now()) throw new Fault('unauthenticated', gone);
      return living(claims.kind, row, credentialId, row?.end_ms ?? null);
    },
    async bySecret(appId, secret) {
      const judged = await judgeSecret(appId, secret);
      return 'subject' in judged ? judged.subject : undefined;
    },
    async application(appId) {
      const row = (await secretsOf(appId))[0];
      return row ? { objectId: row.object_id, name: row.name } : null;
    },
    judgeSecret,
    rolesOf,
    async rolesBelow(objectId, scope) {
      const base = scope === '/' ? '' : scope;
      // The character behind the slash ends what begins with it.
      const range = { principalId: objectId, prefix: `${base}/`, end: `${base}0`, limit: rowsAtOnce };
      const grants: RoleGrant[] = [];
      let last = { lastScope: '', lastRole: '' };
      for (;;) {
        const rows = await database.all(rolesBelow, { ...range, ...last });
        for (const row of rows) {
          const role = roleById(row.role_id);
          if (role !== undefined) grants.push({ scope: row.scope_key, role });
        }
        const end = rows.at(-1);
        if (end === undefined || rows.length < rowsAtOnce) return grants;
        last = { lastScope: end.scope_key, lastRole: end.role_id };
      }
    },
    principalAt: async (subject, scope) => ({
      kind: subject.kind,
      name: nameOf(subject),
      registryId: null,
      objectId: subject.objectId,
      roles: await rolesOf(subject.objectId, scope),
      credentialId: subject.credentialId,
      tokenId: 0,
      grants: noGrants,
      restriction: null,
      expiresAt: subject.expiresAt,
    }),
  };
}

const gone = 'the account is disabled or gone, or its password was changed; sign in again';

function living(
  kind: Subject['kind'],
  row: SubjectRecord | undefined,
  credentialId: string,
  expiresAt: number | null,
): Subject {
  if (row?.enabled !== 1) throw new Fault('unauthenticated', gone);
  return { kind, objectId: row.object_id, name: row.name, displayName: row.display_name, credentialId, expiresAt };
}

/** Stable, and different for somebody made again under the same name. */
export function nameOf(subject: Pick<Subject, 'kind' | 'name' | 'objectId'>): string {
  return `${subject.kind === 'user' ? 'user' : 'app'}:${subject.name}#${subject.objectId}`;
}
