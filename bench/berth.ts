import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { berthCommand, berthEnvironment, upArguments, upFlags } from './berth-program.ts';
import type { Contender, ContenderName, Credentials, Endpoint } from './contenders.ts';
import { type Postgres, startPostgres } from './postgres.ts';
import { startServer } from './server-process.ts';

/** Long, because a server on a busy machine takes its time; the program is built before. */
const readyTimeoutMs = 180_000;

/** The line that `berth up --json` prints when it is ready, as far as the bench reads it. */
interface ReadyLine {
  readonly ready: true;
  readonly pid: number;
  /** The plain listener. */
  readonly loginServer: string;
  readonly registry: { readonly loginServer: string };
  readonly caFile: string;
  /** The first start of a folder alone tells these. */
  readonly username?: string;
  readonly password?: string;
  readonly tenantId?: string;
  readonly subscriptionId?: string;
  readonly operator?: Credentials;
}

/** A Berth under measurement. */
export interface RunningBerth extends Contender {
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** An Owner of the subscription; the first start of a folder alone tells it. */
  readonly operator: Credentials | undefined;
}

export interface BerthOptions {
  readonly name: ContenderName;
  readonly folder: string;
  /** Where the bytes of a folder that was served before have their users; the first start makes its own. */
  readonly credentials?: Credentials;
  /** Arguments of `berth up` besides those that every measurement has. */
  readonly args?: readonly string[];
  readonly postgres?: Postgres;
}

/** The log of the Berth that `startBerth` starts in `folder`. */
export function berthLog(folder: string): string {
  return join(folder, 'berth.log');
}

/**
 * Starts Berth as a user would by script: every feature on (tokens, permission checks, access log, metrics), its log in a
 * file, on a plain and a TLS listener. The data folder is `data` in `folder`.
 */
export async function startBerth(options: BerthOptions): Promise<RunningBerth> {
  const { name, folder, postgres } = options;
  await using stack = new AsyncDisposableStack();
  const listeners = { http: '127.0.0.1:0', https: '127.0.0.1:0', flags: await upFlags() };
  const server = stack.use(
    await startServer({
      file: process.execPath,
      args: [berthCommand, ...upArguments({ data: join(folder, 'data'), ...listeners }), ...(options.args ?? [])],
      cwd: folder,
      env: { ...berthEnvironment(), ...(postgres && { BERTH_DATABASE_URL: postgres.url }) },
      logFile: berthLog(folder),
    }),
  );
  const ready = parseReady(await server.firstLine(readyTimeoutMs));
  const { username, password } = ready;
  const credentials = username === undefined || password === undefined ? options.credentials : { username, password };
  const endpoint: Endpoint = {
    host: '127.0.0.1',
    port: portOf(ready.loginServer),
    ca: undefined,
    processIds: [...new Set([server.pid, ready.pid])],
    databaseProcessIds: postgres ? [postgres.pid] : [],
    credentials,
    assertAlive: () => server.assertAlive(),
  };
  const tls = { ...endpoint, port: portOf(ready.registry.loginServer), ca: await readFile(ready.caFile, 'utf8') };
  const running = stack.move();
  return {
    name,
    tenantId: ready.tenantId ?? '',
    subscriptionId: ready.subscriptionId ?? '',
    operator: ready.operator,
    version: postgres ? `this tree, ${postgres.version}` : 'this tree',
    endpoints: { token: endpoint, anonymous: endpoint, tls },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Berth on a PostgreSQL server of its own; undefined, after saying why, where there is none to start. */
export async function startBerthOnPostgres(
  folder: string,
  say: (line: string) => void,
): Promise<Contender | undefined> {
  await using stack = new AsyncDisposableStack();
  const postgres = await startPostgres(folder);
  if ('skipped' in postgres) {
    say(`berth-pg is skipped: ${postgres.skipped}`);
    return undefined;
  }
  stack.use(postgres);
  const berth = stack.use(await startBerth({ name: 'berth-pg', folder, postgres }));
  const running = stack.move();
  return { ...berth, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function portOf(address: string): number {
  return Number(new URL(`http://${address}`).port);
}

function parseReady(line: string): ReadyLine {
  const value: unknown = JSON.parse(line);
  const ready = value as Partial<ReadyLine> | null;
  if (
    ready?.ready !== true ||
    typeof ready.pid !== 'number' ||
    typeof ready.loginServer !== 'string' ||
    typeof ready.registry?.loginServer !== 'string' ||
    typeof ready.caFile !== 'string'
  ) {
    // The line may hold a password: name its keys only.
    throw new Error(`berth's first line is not the ready line; it has the keys ${Object.keys(ready ?? {}).join(', ')}`);
  }
  return ready as ReadyLine;
}
