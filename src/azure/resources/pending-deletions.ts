import type { Database } from '../../ports/index.ts';
import { groupsBeingDeleted } from './group-store.ts';

/** True when the deletion of a group has begun and not ended: one look, for who does not have the resource manager loaded. */
export async function hasGroupDeletions(database: Database): Promise<boolean> {
  return (await database.first(groupsBeingDeleted, { limit: 1 })) !== undefined;
}
