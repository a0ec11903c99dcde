/** The stores that `berth trust` knows. */
export const storeNames = ['system', 'nss', 'docker', 'containers', 'hosts'] as const;
export type StoreName = (typeof storeNames)[number];

export type TrustAction = 'add' | 'remove';

/** One thing done to the machine, as data: it can be shown without being done. */
export type Step =
  /** A file of ours, readable for everybody, with the folders above it. */
  | { readonly kind: 'write'; readonly path: string; readonly text: string }
  /** New content of a file that is not ours alone; it stays the same file, with its owner and rights. */
  | { readonly kind: 'edit'; readonly path: string; readonly text: string }
  /** A file of ours, and of these folders, in this order, those that are empty then. */
  | { readonly kind: 'remove'; readonly path: string; readonly emptyFolders: readonly string[] }
  | { readonly kind: 'run'; readonly program: string; readonly args: readonly string[] };

/** One place that can be made to trust the authority: a file, a database, a store of the system. */
export interface TrustPlace {
  readonly store: StoreName;
  /** Path or name, for people. */
  readonly where: string;
  /** Whose it is: what belongs to the machine takes root. */
  readonly scope: 'machine' | 'user';
  /** Why nothing can be done here, and what would help; null where something can. */
  readonly skip: string | null;
  /** The steps to get there from how things are; none when they are so already. Changes nothing. */
  plan(action: TrustAction): Promise<readonly Step[]>;
}

/** A line of the report for a store of which this machine has nothing. */
export function noPlace(store: StoreName, skip: string): TrustPlace {
  return { store, where: '', scope: 'user', skip, plan: async () => [] };
}

/** A step as a person would write it. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'write':
    case 'edit':
    case 'remove':
      return `${step.kind} ${step.path}`;
    case 'run':
      return `run ${[step.program, ...step.args].map(quoted).join(' ')}`;
    default:
      return step satisfies never;
  }
}

/** A word as a shell takes it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
