import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { type Finding, fail, ok, problemOf, warn } from './finding.ts';
import { portHolder } from './port-holder.ts';

/** Where a listener stands, as the running server says. */
export interface PlacedListener {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** Where a listener is to stand, by configuration. `mayMove` is true for the defaults. */
export interface WantedListener extends PlacedListener {
  readonly mayMove: boolean;
}

const connectWithinMs = 3_000;

/** Whether each listener of the running server takes connections, and whether it stands where it was wanted. */
export async function checkListeners(
  placed: readonly PlacedListener[],
  wanted: readonly WantedListener[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const one of placed) {
    const name = `listener ${one.name}`;
    const address = formatHost(one);
    const problem = await refusal(one);
    const meant = wanted.find((other) => other.name === one.name && other.port !== 0);
    if (problem !== null) {
      findings.push(
        fail(name, `${address} takes no connection: ${problem}`, 'look for a firewall on this machine, and at the log'),
      );
    } else if (meant?.mayMove && meant.port !== one.port && one.host === meant.host) {
      findings.push(warn(name, `on ${address}, because ${await whoHas(meant)}`, moved(one.name, meant.port)));
    } else findings.push(ok(name, address));
  }
  return findings;
}

/** Whether a start could take its ports. Binds each for a moment. */
export async function checkFreePorts(wanted: readonly WantedListener[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const one of wanted) {
    const name = `listener ${one.name}`;
    const problem = one.port === 0 ? null : await bindProblem(one);
    if (problem === null) findings.push(ok(name, `${formatHost(one)} is free`));
    else if (problem === 'EADDRINUSE') {
      const found = await whoHas(one);
      const cure = `stop that program, or set ${one.name}.listen to another port`;
      findings.push(one.mayMove ? warn(name, found, moved(one.name, one.port)) : fail(name, found, cure));
    } else if (problem === 'EACCES') {
      const cure = `give the right (setcap or AmbientCapabilities CAP_NET_BIND_SERVICE), or set ${one.name}.listen above 1023`;
      const found = `this user may not use port ${one.port}`;
      findings.push(one.mayMove ? warn(name, found, cure) : fail(name, found, cure));
    } else {
      findings.push(
        fail(name, `${formatHost(one)}: ${problem}`, `set ${one.name}.listen to an address of this machine`),
      );
    }
  }
  return findings;
}

function moved(name: string, port: number): string {
  return `clients must use the other port; to have ${port}, free it, or set ${name}.listen`;
}

async function whoHas(one: PlacedListener): Promise<string> {
  const holder = await portHolder(one.port);
  return holder === null ? `port ${one.port} could not be had` : `port ${one.port} is taken by ${holder}`;
}

async function bindProblem(one: PlacedListener): Promise<string | null> {
  const server = createServer();
  try {
    server.listen(one.port, one.host);
    await once(server, 'listening');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? problemOf(error);
  }
  server.close();
  await once(server, 'close');
  return null;
}

async function refusal(one: PlacedListener): Promise<string | null> {
  const anyAddress: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const socket = connect({ host: anyAddress[one.host] ?? one.host, port: one.port });
  const late = setTimeout(() => socket.destroy(new Error(`no answer within ${connectWithinMs} ms`)), connectWithinMs);
  try {
    await once(socket, 'connect');
    return null;
  } catch (error) {
    return problemOf(error);
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

function formatHost(one: PlacedListener): string {
  return one.host.includes(':') ? `[${one.host}]:${one.port}` : `${one.host}:${one.port}`;
}
