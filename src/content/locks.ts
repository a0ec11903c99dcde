import { parseStamp, type Stamp } from '../kernel/index.ts';

/** The four switches of `changeableAttributes`, kept as bits that are set when the switch is off (ACR-FACTS §7.1). */
export interface ChangeableAttributes {
  readonly deleteEnabled: boolean;
  readonly writeEnabled: boolean;
  readonly readEnabled: boolean;
  readonly listEnabled: boolean;
}

export type AttributeName = keyof ChangeableAttributes;

export const lockBits: Readonly<Record<AttributeName, number>> = {
  writeEnabled: 1,
  deleteEnabled: 2,
  readEnabled: 4,
  // The highest bit: indexes of listings select `locks < 8`.
  listEnabled: 8,
};

/** Locked against deletion: a write lock refuses deletion as well. */
export const deletionLock: number = lockBits.writeEnabled | lockBits.deleteEnabled;

/** The wire form of a lock mask. */
export function attributesOf(locks: number): ChangeableAttributes {
  return {
    deleteEnabled: (locks & lockBits.deleteEnabled) === 0,
    writeEnabled: (locks & lockBits.writeEnabled) === 0,
    readEnabled: (locks & lockBits.readEnabled) === 0,
    listEnabled: (locks & lockBits.listEnabled) === 0,
  };
}

/** A mask with some switches changed. */
export function changeLocks(locks: number, change: Partial<ChangeableAttributes>): number {
  let next = locks;
  for (const name of Object.keys(lockBits) as AttributeName[]) {
    const enabled = change[name];
    if (enabled !== undefined) next = enabled ? next & ~lockBits[name] : next | lockBits[name];
  }
  return next;
}

/** The latest stamp on some rows, those of single attributes included, for the clock to continue above it. */
export function latestStamp(rows: readonly { readonly stamp?: string; readonly lock_stamps: string }[]): Stamp | null {
  let latest = '';
  for (const row of rows) {
    const stamps = Object.values(JSON.parse(row.lock_stamps) as Record<string, string>);
    for (const stamp of [row.stamp ?? '', ...stamps]) if (stamp > latest) latest = stamp;
  }
  return latest === '' ? null : parseStamp(latest);
}

/** The stamp register of attributes with the changed fields set to `stamp`: each field merges on its own. */
export function stampFields(lockStamps: string, fields: readonly string[], stamp: string): string {
  const stamps = JSON.parse(lockStamps) as Record<string, string>;
  for (const field of fields) stamps[field] = stamp;
  return JSON.stringify(stamps);
}
