import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { berthCommand, berthEnvironment, projectFolder, upArguments, upFlags } from './berth-program.ts';
import type { BigFolder } from './big-folder.ts';
import { launchDistribution } from './distribution.ts';
import { type Figure, figure } from './figures.ts';
import { freePort } from './free-port.ts';
import { type Memory, treeMemory } from './memory.ts';
import { type ServerProcess, startServer } from './server-process.ts';

/** Something that can be started again and again on the same data. */
export interface Startable {
  /** Part of the name of its figures. */
  readonly way: string;
  readonly title: string;
  readonly side: 'berth' | 'distribution';
  start(port: number): Promise<ServerProcess>;
}

const answerWithinMs = 60_000;

/** Berth on the big folder, by its command and by its built program alone; Distribution on an empty folder, where it is there. */
export async function startables(big: BigFolder, distribution: string | undefined): Promise<Startable[]> {
  const flags = await upFlags();
  const at = `at ${big.sizes.tags} tags`;
  const berth = (args: readonly string[], environment: NodeJS.ProcessEnv = {}): Startable['start'] => {
    return (port) => {
      const data = join(big.folder, 'data');
      const up = upArguments({ data, http: `127.0.0.1:${port}`, https: '127.0.0.1:0', flags });
      return startServer({
        file: process.execPath,
        args: [...args, ...up],
        cwd: big.folder,
        env: { ...berthEnvironment(), ...environment },
        logFile: join(big.folder, 'starts.log'),
      });
    };
  };
  const entry = pathToFileURL(join(projectFolder, 'dist', 'main', 'cli.js')).href;
  const program = join(big.folder, 'program.mjs');
  await writeFile(program, `import { main } from '${entry}';\nawait main(process.argv);\n`);
  // What the command has, too: compiled code is kept beside a source tree.
  const compiled = join(projectFolder, '.cache', 'compiled');
  const cache = existsSync(compiled) ? { NODE_COMPILE_CACHE: compiled } : {};
  const home = join(big.folder, 'distribution');
  await mkdir(home);
  return [
    { way: 'command', title: `bin/berth ${at}`, side: 'berth', start: berth([berthCommand]) },
    {
      way: 'program',
      title: `built program of Berth, no freshness check, ${at}`,
      side: 'berth',
      start: berth([program], cache),
    },
    ...(distribution === undefined
      ? []
      : [
          {
            way: 'peer',
            title: 'Distribution, empty folder',
            side: 'distribution',
            start: (port) => launchDistribution(distribution, { home, port }),
          } satisfies Startable,
        ]),
  ];
}

/** Milliseconds from the spawn to the first answer to GET /v2/, in alternating rounds after one that is dropped. */
export async function measureStarts(
  all: readonly Startable[],
  { rounds, signal, say }: { rounds: number; signal: AbortSignal; say: (line: string) => void },
): Promise<Figure[]> {
  const values = new Map<string, number[]>(all.map(({ way }) => [way, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const one of round % 2 === 0 ? all : all.toReversed()) {
      signal.throwIfAborted();
      const { server, milliseconds } = await startAndAsk(one);
      await server[Symbol.asyncDispose]();
      say(`  start ${one.title}: ${milliseconds.toFixed(0)} ms`);
      if (round > 0) values.get(one.way)?.push(milliseconds);
    }
  }
  return all.map(({ way, title, side }) =>
    figure({
      name: `start/${way}`,
      title: `spawn to first answer, ${title}`,
      unit: 'ms',
      side,
      values: values.get(way) ?? [],
    }),
  );
}

/** Memory of Berth's command and of Distribution, started at the same time and left alone for `idleMs`. */
export async function measureIdle(
  all: readonly Startable[],
  { idleMs, signal, say }: { idleMs: number; signal: AbortSignal; say: (line: string) => void },
): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const running: { one: Startable; server: ServerProcess }[] = [];
  for (const one of all.filter(({ way }) => way !== 'program')) {
    const { server } = await startAndAsk(one);
    running.push({ one, server: stack.use(server) });
  }
  await delay(idleMs, undefined, { signal });
  return running.flatMap(({ one, server }) => {
    server.assertAlive();
    const memory = treeMemory([server.pid]);
    say(`  idle ${one.title}: ${memory.rss.toFixed(0)} MB RSS, ${memory.pss.toFixed(0)} MB PSS`);
    return (['rss', 'pss'] as const).map((kind: keyof Memory) =>
      figure({
        name: `idle/${kind}`,
        title: `${kind.toUpperCase()} of all processes after ${idleMs / 1000} s idle, ${one.title}`,
        unit: 'MB',
        side: one.side,
        values: [memory[kind]],
      }),
    );
  });
}

async function startAndAsk(one: Startable): Promise<{ server: ServerProcess; milliseconds: number }> {
  const port = await freePort();
  const begun = performance.now();
  const server = await one.start(port);
  try {
    while (!(await answers(port))) {
      server.assertAlive();
      if (performance.now() - begun > answerWithinMs) throw new Error(`no answer; its log says:\n${server.logTail()}`);
      await delay(2);
    }
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return { server, milliseconds: performance.now() - begun };
}

/** True when GET /v2/ is answered by 200 or 401; false when nobody listens yet. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () =>
      socket.write(`GET /v2/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`),
    );
    socket.once('data', (bytes) => {
      socket.destroy();
      resolve(/^HTTP\/1\.1 (?:200|401) /.test(bytes.toString('latin1')));
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
