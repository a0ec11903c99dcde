import type { Refusals } from '../content/index.ts';
import type { Exchange } from '../http/index.ts';
import type { Directory, DirectoryTokens } from '../identity/index.ts';
import type { Clock, Ids } from '../kernel/index.ts';
import type { Database, KeyWrapper } from '../ports/index.ts';

/** What the resource manager works with. */
export interface ManagementParts {
  /** Domain of the deployment, without port. */
  readonly domain: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** Name of the region that this deployment is. */
  readonly region: string;
  readonly database: Database;
  readonly directory: Directory;
  readonly tokens: DirectoryTokens;
  readonly wrapper: KeyWrapper;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly refusals: Pick<Refusals, 'note'>;
  /** True while the process drains: running requests finish, new ones hear 503. */
  draining(): boolean;
  /** Told of every error that is not a refusal. */
  failed(exchange: Exchange, error: unknown): void;
  /** Told of work after an answer that failed; it is tried again. */
  failedLater(error: unknown): void;
}

/** The resource manager of one thread. */
export interface Management {
  readonly handle: (exchange: Exchange) => Promise<void>;
  /** Goes on with deletions of groups that a stop or a failure has interrupted. */
  resumeDeletions(): Promise<void>;
  /** Resolves when no work after an answer is under way; none begins after the plane drains. */
  settled(): Promise<void>;
}

/** Loads the resource manager, front and providers: a start that nobody sends a management request to does not. */
export async function openManagement(parts: ManagementParts): Promise<Management> {
  const { management } = await import('./management.ts');
  return management(parts);
}
