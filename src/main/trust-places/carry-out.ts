import type { Machine } from './machine.ts';
import { describeStep, type Step, type StoreName, type TrustAction, type TrustPlace } from './place.ts';

/** What became of one place. `present` and `absent` are places that needed nothing. */
export type TrustOutcome =
  | 'added'
  | 'removed'
  | 'present'
  | 'absent'
  | 'would add'
  | 'would remove'
  | 'skipped'
  | 'failed';

/** One line of the report. */
export interface TrustLine {
  readonly store: StoreName;
  readonly where: string;
  readonly outcome: TrustOutcome;
  /** Why it was skipped or failed, and what would help. */
  readonly reason: string | null;
  /** What was done, or would be. */
  readonly steps: readonly string[];
  /** True when steps are needed here that were not taken. */
  readonly pending: boolean;
}

export interface CarryOutOptions {
  readonly action: TrustAction;
  readonly dryRun: boolean;
  /** The command that would do it, for a store that takes root. */
  readonly asRoot: (store: StoreName) => string;
}

/**
 * Brings each place to where the action wants it, one after the other; one that fails leaves the others their turn. A
 * place where adding broke off is put back.
 */
export async function carryOut(
  machine: Machine,
  places: readonly TrustPlace[],
  options: CarryOutOptions,
): Promise<TrustLine[]> {
  const lines: TrustLine[] = [];
  for (const place of places) {
    const { store, where } = place;
    const line = { store, where, reason: null, steps: [], pending: false };
    try {
      lines.push({ ...line, ...(await treat(machine, place, options)) });
    } catch (error) {
      lines.push({ ...line, outcome: 'failed', reason: reasonOf(error), pending: true });
    }
  }
  return lines;
}

async function treat(
  machine: Machine,
  place: TrustPlace,
  { action, dryRun, asRoot }: CarryOutOptions,
): Promise<Pick<TrustLine, 'outcome'> & Partial<TrustLine>> {
  if (place.skip !== null) return { outcome: 'skipped', reason: place.skip };
  const steps = await place.plan(action);
  if (steps.length === 0) return { outcome: action === 'add' ? 'present' : 'absent' };
  const described = steps.map(describeStep);
  if (place.scope === 'machine' && !machine.isRoot) {
    return { outcome: 'skipped', reason: `needs root; run: ${asRoot(place.store)}`, steps: described, pending: true };
  }
  if (dryRun) return { outcome: action === 'add' ? 'would add' : 'would remove', steps: described };
  try {
    await performAll(machine, steps);
  } catch (error) {
    if (action === 'remove') throw error;
    throw new Error(await putBack(machine, place, reasonOf(error)), { cause: error });
  }
  return { outcome: action === 'add' ? 'added' : 'removed', steps: described };
}

/** Undoes what a broken addition left. Answers the whole story. */
async function putBack(machine: Machine, place: TrustPlace, reason: string): Promise<string> {
  try {
    await performAll(machine, await place.plan('remove'));
    return reason;
  } catch (error) {
    return `${reason}; putting it back: ${reasonOf(error)}`;
  }
}

async function performAll(machine: Machine, steps: readonly Step[]): Promise<void> {
  for (const step of steps) await machine.perform(step);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
