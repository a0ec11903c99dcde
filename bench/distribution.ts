import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { makeServerIdentity, type ServerIdentity } from './authority.ts';
import type { Contender, ContenderName, Endpoint } from './contenders.ts';
import { distributionVersion, findDistribution } from './distribution-program.ts';
import { freePort } from './free-port.ts';
import { getOnce } from './http-get.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { startTokenIssuer, type TokenIssuer } from './token-issuer.ts';

const host = '127.0.0.1';
const readyTimeoutMs = 15_000;

/**
 * Starts CNCF Distribution three times over storage of its own: one process that wants tokens, one that wants none, so that
 * only the rows about tokens pay for them, and one that speaks TLS. Undefined, after saying why, where the program can
 * neither be found nor built.
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
  const identity = await makeServerIdentity(folder);
  const start = async (door: keyof Contender['endpoints'], doors: Doors): Promise<Endpoint> => {
    const home = join(folder, door);
    const port = await freePort();
    const ca = doors.identity?.ca;
    const server = stack.use(await launchDistribution(program, { home, port, ...doors }));
    await untilAnswering(server, `${ca === undefined ? 'http' : 'https'}://${host}:${port}/v2/`, ca);
    const assertAlive = (): void => server.assertAlive();
    return { host, port, ca, processIds: [server.pid], databaseProcessIds: [], credentials: undefined, assertAlive };
  };
  const endpoints = {
    token: await start('token', { issuer }),
    anonymous: await start('anonymous', {}),
    tls: await start('tls', { identity }),
  };
  const running = stack.move();
  return {
    name,
    version: `v${distributionVersion}`,
    endpoints,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** What stands in front: tokens of an issuer, TLS, or nothing. */
interface Doors {
  readonly issuer?: TokenIssuer;
  readonly identity?: ServerIdentity;
}

/** Starts one process on `port`, with configuration and data in `home`, and does not wait for it. */
export async function launchDistribution(
  program: string,
  { home, port, issuer, identity }: Doors & { readonly home: string; readonly port: number },
): Promise<ServerProcess> {
  await mkdir(home, { recursive: true });
  const config = join(home, 'config.yml');
  const jwks = join(home, 'jwks.json');
  if (issuer !== undefined) await writeFile(jwks, JSON.stringify(issuer.jwks));
  const auth = issuer && { token: { realm: issuer.realm, service: issuer.service, issuer: issuer.name, jwks } };
  const tls = identity && { certificate: identity.certificateFile, key: identity.keyFile };
  await writeFile(config, stringify(configuration(join(home, 'storage'), { port, auth, tls })));
  return startServer({
    file: program,
    args: ['serve', config],
    cwd: home,
    env: { ...process.env, ...cheapTracing },
    logFile: join(home, 'registry.log'),
  });
}

/** Everything that costs and can be switched off is off; what speeds it up is on. */
function configuration(
  storage: string,
  { port, auth, tls }: { port: number; auth: object | undefined; tls: object | undefined },
): object {
  return {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: storage },
      delete: { enabled: true },
      cache: { blobdescriptor: 'inmemory' },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr: `${host}:${port}`, secret: randomBytes(32).toString('hex'), ...(tls && { tls }) },
    ...(auth && { auth }),
  };
}

/**
 * Tracing cannot be switched off in v3. Of the settings tried, a collector that refuses connections is the cheapest for
 * Distribution: its exporter fails before the spans are rendered as text for the debug log, which exporter `none` pays
 * for (10 to 28 % more CPU per manifest, measured twice).
 */
const cheapTracing = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };

async function untilAnswering(server: ServerProcess, url: string, ca: string | undefined): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  for (;;) {
    server.assertAlive();
    const status = await getOnce(url, { ca }).then(
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
