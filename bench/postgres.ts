import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { startServer } from './server-process.ts';

const run = promisify(execFile);
const readyTimeoutMs = 30_000;

/** A PostgreSQL server of the bench. */
export interface Postgres extends AsyncDisposable {
  /** Of an empty database. */
  readonly url: string;
  /** The process above all others of the server. */
  readonly pid: number;
  readonly version: string;
}

/**
 * Starts a server with its own defaults (fsync and synchronous commits on), its data below `folder`, on the loopback; or
 * answers why there is none. Our test server is not used: it stands in the system's temporary folder, on another disk maybe.
 */
export async function startPostgres(folder: string): Promise<Postgres | { readonly skipped: string }> {
  const programs = findPrograms();
  if (programs === undefined) return { skipped: 'no initdb on PATH or in /usr/lib/postgresql' };
  const owner = unprivilegedOwner();
  if (owner === undefined) return { skipped: 'root may not run PostgreSQL, and there is no user postgres or nobody' };
  const home = join(folder, 'postgres');
  await mkdir(home);
  if (owner.uid !== undefined) {
    await chown(home, owner.uid, owner.gid);
    // The folders of a run are ours alone; the other user may pass through, not look around.
    for (const passed of [folder, dirname(folder)]) await chmod(passed, 0o711);
  }
  const data = join(home, 'data');
  await run(join(programs, 'initdb'), ['-D', data, '-U', 'berth', '--auth=trust', '--encoding=UTF8', '--locale=C'], {
    ...owner,
    cwd: home,
  });
  const port = await freePort();
  const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: home, lc_messages: 'C' };
  await using stack = new AsyncDisposableStack();
  const server = stack.use(
    await startServer({
      file: join(programs, 'postgres'),
      args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      cwd: home,
      env: process.env,
      logFile: join(folder, 'postgres.log'),
      owner,
      // Ends open sessions instead of waiting for them.
      stopSignal: 'SIGINT',
    }),
  );
  const deadline = performance.now() + readyTimeoutMs;
  while (!server.logTail().includes('ready to accept connections')) {
    server.assertAlive();
    if (performance.now() > deadline) throw new Error(`PostgreSQL was not ready; its log says:\n${server.logTail()}`);
    await delay(25);
  }
  const { stdout } = await run(join(programs, 'postgres'), ['--version'], { ...owner, cwd: home });
  const running = stack.move();
  return {
    url: `postgres://berth@127.0.0.1:${port}/postgres`,
    pid: server.pid,
    version: /PostgreSQL\) ([\d.]+)/.exec(stdout)?.[1]?.replace(/^/, 'PostgreSQL ') ?? stdout.trim(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** The folder that holds both programs; the newest version where there are several. */
function findPrograms(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((left, right) => Number(right) - Number(left)) : [];
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...versions.map((version) => join(root, version, 'bin')),
  ];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

/** Whom PostgreSQL runs as: anybody but root runs it as oneself, which is the empty answer. */
function unprivilegedOwner(): { readonly uid: number; readonly gid: number } | { readonly uid?: never } | undefined {
  if (process.getuid?.() !== 0) return {};
  for (const user of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => idOf(flag, user));
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  return undefined;
}

function idOf(flag: string, user: string): number | undefined {
  try {
    return Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    // There is no such user.
    return undefined;
  }
}
