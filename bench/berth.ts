import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contender, Endpoint } from './contenders.ts';
import { startServer } from './server-process.ts';

const projectFolder = fileURLToPath(new URL('..', import.meta.url));
/** Long, because `bin/berth` may have to build first. */
const readyTimeoutMs = 180_000;

/** The line that `berth up --json` prints when it is ready, as far as the bench reads it. */
interface ReadyLine {
  readonly ready: true;
  readonly pid: number;
  readonly loginServer: string;
  readonly username: string;
  readonly password: string;
}

/**
 * Starts Berth as a user would by script: every feature on (tokens, permission checks, access log, metrics), an empty
 * data folder, its log in a file.
 */
export async function startBerth(folder: string): Promise<Contender> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(
    await startServer({
      file: process.execPath,
      args: [
        join(projectFolder, 'bin', 'berth'),
        'up',
        '--json',
        '--data',
        join(folder, 'data'),
        '--domain',
        'bench.localhost',
        '--http',
        '127.0.0.1:0',
        '--https',
        'off',
      ],
      cwd: folder,
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('BERTH_'))),
      logFile: join(folder, 'berth.log'),
    }),
  );
  const ready = parseReady(await server.firstLine(readyTimeoutMs));
  const { hostname, port } = new URL(`http://${ready.loginServer}`);
  const endpoint: Endpoint = {
    host: hostname,
    port: Number(port),
    processIds: [...new Set([server.pid, ready.pid])],
    credentials: { username: ready.username, password: ready.password },
    assertAlive: () => server.assertAlive(),
  };
  const running = stack.move();
  return {
    name: 'berth',
    version: 'this tree',
    endpoints: { token: endpoint, anonymous: endpoint },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function parseReady(line: string): ReadyLine {
  const value: unknown = JSON.parse(line);
  const ready = value as Partial<ReadyLine> | null;
  if (
    ready?.ready !== true ||
    typeof ready.pid !== 'number' ||
    typeof ready.loginServer !== 'string' ||
    typeof ready.username !== 'string' ||
    typeof ready.password !== 'string'
  ) {
    // The line may hold a password: name its keys only.
    throw new Error(`berth's first line is not the ready line; it has the keys ${Object.keys(ready ?? {}).join(', ')}`);
  }
  return ready as ReadyLine;
}
