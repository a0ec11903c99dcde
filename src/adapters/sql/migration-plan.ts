import { DatabaseError } from '../../ports/index.ts';

/** A row of `schema_migration`: a step that this database has taken. */
export interface RecordedMigration {
  readonly version: number;
  readonly name: string;
}

/**
 * The steps of `known` that a database which recorded `recorded` (in order of version) has yet to take. Throws
 * `DatabaseError('incompatible')` when the steps known are not numbered 1, 2, 3 …, or when the database took a step that
 * this program does not know or knows under another name.
 */
export function pendingMigrations<M extends RecordedMigration>(
  known: readonly M[],
  recorded: readonly RecordedMigration[],
): readonly M[] {
  for (const [index, step] of known.entries()) {
    if (step.version !== index + 1) {
      throw new DatabaseError(
        'incompatible',
        `migration "${step.name}" has version ${step.version} where ${index + 1} was expected`,
      );
    }
  }
  for (const [index, taken] of recorded.entries()) {
    if (taken.version !== index + 1) {
      throw new DatabaseError(
        'incompatible',
        `the database records schema version ${taken.version} where ${index + 1} was expected; its history has a gap`,
      );
    }
    const step = known[index];
    if (step === undefined) {
      throw new DatabaseError(
        'incompatible',
        `the database is at schema version ${recorded.at(-1)?.version}, this program knows versions up to ${known.length}; use a newer program`,
      );
    }
    if (step.name !== taken.name) {
      throw new DatabaseError(
        'incompatible',
        `schema version ${taken.version} is "${taken.name}" in the database and "${step.name}" in this program`,
      );
    }
  }
  return known.slice(recorded.length);
}
