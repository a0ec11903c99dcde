import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { Access, Contender, ContenderName, Endpoint } from './contenders.ts';
import { distributionVersion, findDistribution } from './distribution-program.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { startTokenIssuer, type TokenIssuer } from './token-issuer.ts';

const host = '127.0.0.1';
const readyTimeoutMs = 15_000;

/**
 * Starts CNCF Distribution twice over storage of its own: one process that wants tokens, one that wants none, so that
 * only the rows about tokens pay for them. Undefined, after saying why, where the program can neither be found nor built.
 */
export async function startDistribution(
  name: ContenderName,
  folder: string,
  say: (line: string) => void,
): Promise<Contender | undefined> {
  const program = await findDistribution(say);
  if (program === undefined) return undefined;
  await using stack = new AsyncDisposableStack();
  const issuer = stack.use(await startTokenIssuer());
  const start = async (access: Access): Promise<Endpoint> => {
    const home = join(folder, access);
    await mkdir(home, { recursive: true });
    const port = await freePort();
    const server = stack.use(await launch(program, home, port, access === 'token' ? issuer : undefined));
    await untilAnswering(server, port);
    return { host, port, processIds: [server.pid], credentials: undefined, assertAlive: () => server.assertAlive() };
  };
  const endpoints = { token: await start('token'), anonymous: await start('anonymous') };
  const running = stack.move();
  return {
    name,
    version: `v${distributionVersion}`,
    endpoints,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function launch(
  program: string,
  home: string,
  port: number,
  issuer: TokenIssuer | undefined,
): Promise<ServerProcess> {
  const config = join(home, 'config.yml');
  const jwks = join(home, 'jwks.json');
  if (issuer !== undefined) await writeFile(jwks, JSON.stringify(issuer.jwks));
  const auth = issuer && { token: { realm: issuer.realm, service: issuer.service, issuer: issuer.name, jwks } };
  await writeFile(config, stringify(configuration(join(home, 'storage'), port, auth)));
  return startServer({
    file: program,
    args: ['serve', config],
    cwd: home,
    env: { ...process.env, ...cheapTracing },
    logFile: join(home, 'registry.log'),
  });
}

/** Everything that costs and can be switched off is off; what speeds it up is on. */
function configuration(storage: string, port: number, auth: object | undefined): object {
  return {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: storage },
      delete: { enabled: true },
      cache: { blobdescriptor: 'inmemory' },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr: `${host}:${port}`, secret: randomBytes(32).toString('hex') },
    ...(auth && { auth }),
  };
}

/**
 * Tracing cannot be switched off in v3. Of the settings tried, a collector that refuses connections is the cheapest for
 * Distribution: its exporter fails before the spans are rendered as text for the debug log, which exporter `none` pays
 * for (10 to 28 % more CPU per manifest, measured twice).
 */
const cheapTracing = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };

/** A port that was free a moment ago: Distribution cannot report the one it would choose by itself. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, host, resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function untilAnswering(server: ServerProcess, port: number): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  for (;;) {
    server.assertAlive();
    const status = await fetch(`http://${host}:${port}/v2/`).then(
      (response) => response.status,
      () => undefined,
    );
    if (status === 200 || status === 401) return;
    if (performance.now() > deadline) {
      throw new Error(`Distribution was not ready after ${readyTimeoutMs} ms; its log says:\n${server.logTail()}`);
    }
    await delay(25);
  }
}
