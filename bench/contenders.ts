import { startBerth, startBerthOnPostgres } from './berth.ts';
import { startDistribution } from './distribution.ts';

/** How clients must identify themselves at an endpoint. */
export type Access = 'token' | 'anonymous';

/** A running registry, as the load sees it. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Certificates (PEM) that the client trusts, and TLS is spoken; undefined for plain HTTP. */
  readonly ca: string | undefined;
  /** Processes whose CPU (with everything below them) is counted. */
  readonly processIds: readonly number[];
  /** Processes of a database server of its own: their CPU is counted too, and told apart. */
  readonly databaseProcessIds: readonly number[];
  /** User name and password for the token realm; undefined when the realm asks for none. */
  readonly credentials: Credentials | undefined;
  /** Throws when the server has ended. */
  assertAlive(): void;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** One side of the comparison. */
export interface Contender extends AsyncDisposable {
  readonly name: ContenderName;
  readonly version: string;
  /** Where rows of this kind go. Berth asks for tokens at each of them, Distribution at `token` only. */
  readonly endpoints: Readonly<Record<Access | 'tls', Endpoint>>;
}

/** Who can be named on the command line. */
export const contenderNames = ['berth', 'distribution', 'berth-pg', 'distribution-again'] as const;
/** The workers row has two sides of its own. */
export type ContenderName = (typeof contenderNames)[number] | 'berth-2-workers' | 'berth-1-worker';

/** Starts a contender with its data below `folder`; undefined, after saying why, when this machine cannot have it. */
export async function startContender(
  name: (typeof contenderNames)[number],
  folder: string,
  say: (line: string) => void,
): Promise<Contender | undefined> {
  switch (name) {
    case 'berth':
      return startBerth({ name, folder });
    case 'berth-pg':
      return startBerthOnPostgres(folder, say);
    case 'distribution':
    case 'distribution-again':
      return startDistribution(name, folder, say);
    default:
      return name satisfies never;
  }
}
