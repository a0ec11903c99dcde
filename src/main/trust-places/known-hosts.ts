import type { Authority } from './authority.ts';

/** The hosts for which the authority vouches here. */
export interface KnownHosts {
  readonly authority: Authority;
  /** As clients write them: with the port, and without it, as they are reached through the proxy. */
  readonly hosts: readonly string[];
  /** Why nobody knows them, when the server could not be asked; null when it was, or when they are not needed. */
  readonly unknown: string | null;
}
