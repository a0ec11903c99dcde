import { scopesAbove } from '../../kernel/index.ts';
import type { Database } from '../../ports/index.ts';
import { type AssignmentRecord, assignmentByName, assignmentsOfWithin, assignmentsWithin } from './assignment-store.ts';
import { type AssignOutcome, assignRole, type NewAssignment, unassignRole } from './assignment-transactions.ts';

/** Somebody's role at a scope. Times are Unix milliseconds. */
export interface RoleAssignment {
  readonly name: string;
  readonly scope: string;
  readonly roleId: string;
  readonly principalId: string;
  readonly principalType: string;
  readonly description: string | null;
  readonly createdMs: number;
  readonly createdBy: string;
  readonly updatedMs: number;
  readonly updatedBy: string;
}

/** Which assignments: those at a scope (a key) and above it, with those below unless `atScope`; of one principal or all. */
export interface AssignmentQuery {
  readonly scope: string;
  readonly atScope: boolean;
  readonly principalId: string | null;
  /** The place after which the page begins; null for the first. */
  readonly last: { readonly scopeKey: string; readonly name: string } | null;
  readonly limit: number;
}

/** Who has which role where. A change counts with the next request, for tokens made before as well. */
export interface RoleAssignments {
  assign(assignment: NewAssignment): Promise<Exclude<AssignOutcome, { row: AssignmentRecord }> | Assigned>;
  /** What it was, or null when there was none. Throws `not-permitted` for the last owner of the subscription. */
  remove(name: string, scopeKey: string): Promise<RoleAssignment | null>;
  byName(name: string): Promise<RoleAssignment | undefined>;
  /** A page in the order of scopes, the widest first. */
  list(query: AssignmentQuery): Promise<RoleAssignment[]>;
}

/** A role that was given, or described anew. */
export interface Assigned {
  readonly kind: 'created' | 'described';
  readonly assignment: RoleAssignment;
}

/** Makes the service of role assignments. */
export function roleAssignments(database: Database): RoleAssignments {
  return {
    async assign(assignment) {
      const outcome = await database.transact(assignRole, {
        ...assignment,
        name: assignment.name.toLowerCase(),
        principalId: assignment.principalId.toLowerCase(),
      });
      return 'row' in outcome ? { kind: outcome.kind, assignment: assignmentOf(outcome.row) } : outcome;
    },
    async remove(name, scopeKey) {
      const row = await database.transact(unassignRole, { name: name.toLowerCase(), scopeKey });
      return row && assignmentOf(row);
    },
    async byName(name) {
      const row = await database.first(assignmentByName, { name: name.toLowerCase() });
      return row && assignmentOf(row);
    },
    async list({ scope, atScope, principalId, last, limit }) {
      // Each scope begins with the one above it, so they ascend as keys do; what is below follows.
      const ranges = scopesAbove(scope).map((key) => ({ from: key, to: `${key}\u0001` }));
      if (!atScope) ranges.push(scope === '/' ? { from: '/s', to: '/t' } : { from: `${scope}/`, to: `${scope}0` });
      const found: AssignmentRecord[] = [];
      const place = { lastKey: last?.scopeKey ?? '', lastName: last?.name ?? '' };
      for (const range of ranges) {
        if (found.length >= limit) break;
        if (range.to <= place.lastKey) continue;
        const from = range.from > place.lastKey ? range.from : place.lastKey;
        const page = { ...place, from, to: range.to, limit: limit - found.length };
        found.push(
          ...(principalId === null
            ? await database.all(assignmentsWithin, page)
            : await database.all(assignmentsOfWithin, { ...page, principalId: principalId.toLowerCase() })),
        );
      }
      return found.map(assignmentOf);
    },
  };
}

function assignmentOf(row: AssignmentRecord): RoleAssignment {
  return {
    name: row.name,
    scope: row.scope,
    roleId: row.role_id,
    principalId: row.principal_id,
    principalType: row.principal_type,
    description: row.description,
    createdMs: row.created_ms,
    createdBy: row.created_by,
    updatedMs: row.updated_ms,
    updatedBy: row.updated_by,
  };
}
