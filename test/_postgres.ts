import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';

/** A PostgreSQL server of one test file, on the loopback. */
export interface TestPostgres {
  /** Of a superuser, in the database `postgres`. */
  readonly url: string;
  readonly skipped?: never;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

/** Why there is no server. */
export interface NoPostgres {
  readonly skipped: string;
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Starts a private server when BERTH_TEST_POSTGRES=1 and PostgreSQL is installed; otherwise prints why not and answers the
 * reason, to be put into the name of what is skipped. `settings` are server settings besides our own.
 */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
): Promise<TestPostgres | NoPostgres> {
  const programs = process.env.BERTH_TEST_POSTGRES === '1' ? findPrograms() : undefined;
  if (programs === undefined) {
    const skipped =
      process.env.BERTH_TEST_POSTGRES === '1'
        ? 'no PostgreSQL found on PATH or in /usr/lib/postgresql'
        : 'BERTH_TEST_POSTGRES is not 1';
    console.info(`PostgreSQL tests skipped: ${skipped}`);
    return { skipped };
  }
  const owner = unprivilegedOwner();
  const folder = await mkdtemp(join(tmpdir(), 'berth-pg-'));
  if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  const initdb = ['-D', data, '-U', 'berth', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
  execFileSync(join(programs, 'initdb'), initdb, { ...owner, cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });

  const { server, port } = await startOnFreePort(settings, { programs, data, folder, owner });
  const killServer = () => server.kill('SIGKILL');
  process.once('exit', killServer);
  return {
    url: `postgres://berth@127.0.0.1:${port}/postgres`,
    async stop() {
      process.off('exit', killServer);
      if (server.exitCode === null && server.signalCode === null) {
        const exited = once(server, 'exit');
        server.kill('SIGINT'); // fast shutdown: open sessions are ended
        await exited;
      }
      await rm(folder, { recursive: true });
    },
  };
}

/** Creates an empty database on the server of `url`. */
export async function freshDatabase(url: string): Promise<{ readonly url: string; drop(): Promise<void> }> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await execute(url, `create database ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return { url: own.href, drop: () => execute(url, `drop database ${name} with (force)`) };
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** The folder that holds both `initdb` and `postgres`; the newest version where there are several. */
function findPrograms(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((left, right) => Number(right) - Number(left)) : [];
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...versions.map((version) => join(root, version, 'bin')),
  ];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

/** PostgreSQL refuses to run as root; as anyone else we run it ourselves. */
function unprivilegedOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: '-u' | '-g', user: string) =>
    Number(execFileSync('id', [flag, user], { stdio: ['ignore', 'pipe', 'ignore'] }).toString());
  for (const user of ['postgres', 'nobody']) {
    try {
      return { uid: idOf('-u', user), gid: idOf('-g', user) };
    } catch {
      continue; // There is no such user: try the next.
    }
  }
  throw new Error('running as root, and neither the user "postgres" nor "nobody" exists to run PostgreSQL');
}

/** Another process may take the port between the look and the start; then another port is tried. */
async function startOnFreePort(
  settings: Readonly<Record<string, string>>,
  place: { programs: string; data: string; folder: string; owner: Owner | undefined },
): Promise<{ server: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const all = {
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: place.folder,
      fsync: 'on',
      lc_messages: 'C',
      logging_collector: 'off',
      max_connections: '60',
      deadlock_timeout: '50ms',
      ...settings,
    };
    const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = spawn(join(place.programs, 'postgres'), ['-D', place.data, ...options], {
      ...place.owner,
      cwd: place.folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const said = await listening(server);
    if (said === undefined) return { server, port };
    if (attempt === 3) throw new Error(`PostgreSQL did not start:\n${said}`);
  }
}

/** Resolves with undefined when the server takes connections, or with what it said when it ended instead. */
function listening(server: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let said = '';
    // Read to the end, so that the server never waits for a full pipe.
    createInterface({ input: server.stderr! }).on('line', (line) => {
      if (line.includes('ready to accept connections')) resolve(undefined);
      said = `${said}${line}\n`.slice(-4_000);
    });
    server.once('error', reject);
    server.once('exit', () => resolve(said));
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
