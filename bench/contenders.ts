import { startBerth } from './berth.ts';
import { startDistribution } from './distribution.ts';

/** How clients must identify themselves at an endpoint. */
export type Access = 'token' | 'anonymous';

/** A running registry, as the load sees it. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Processes whose CPU (with everything below them) is counted. */
  readonly processIds: readonly number[];
  /** User name and password for the token realm; undefined when the realm asks for none. */
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  /** Throws when the server has ended. */
  assertAlive(): void;
}

/** One side of the comparison. */
export interface Contender extends AsyncDisposable {
  readonly name: ContenderName;
  readonly version: string;
  /** Where rows of this kind of access go. Berth has one endpoint, always with tokens. */
  readonly endpoints: Readonly<Record<Access, Endpoint>>;
}

export const contenderNames = ['berth', 'distribution', 'distribution-again'] as const;
export type ContenderName = (typeof contenderNames)[number];

/** Starts a contender with its data below `folder`; undefined, after saying why, when this machine cannot have it. */
export async function startContender(
  name: ContenderName,
  folder: string,
  say: (line: string) => void,
): Promise<Contender | undefined> {
  return name === 'berth' ? startBerth(folder) : startDistribution(name, folder, say);
}
