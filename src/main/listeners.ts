import { type HttpServer, type Listener, listen, type ServerLimits } from '../http/index.ts';
import type { Config } from './config-schema.ts';
import { formatAddress, isLoopback, type ListenAddress } from './config-values.ts';
import { StartRefusal } from './start-refusal.ts';

/** A server at one of the configured addresses. */
export interface PlacedServer {
  readonly server: HttpServer;
  readonly host: string;
}

/** All listeners of a start, holding their addresses. */
export interface Listeners {
  readonly http: PlacedServer | null;
  readonly https: readonly PlacedServer[];
  /** The defaults stand on ::1 as well, at the same ports, where the machine has IPv6. */
  readonly ipv6: readonly PlacedServer[];
  readonly management: PlacedServer | null;
  close(): Promise<void>;
}

/** Takes every configured address, or none: a start that cannot have its ports changes nothing. */
export async function takeAddresses(config: Config): Promise<Listeners> {
  const taken: PlacedServer[] = [];
  const limits = serverLimits(config);
  const close = async (): Promise<void> => {
    for (const { server } of taken) await server.close({ force: true });
  };
  const take = async (address: ListenAddress, name: string, scheme: Listener['scheme']): Promise<PlacedServer> => {
    const network = isLoopback(address.host) ? 'loopback' : 'public';
    const server = await takeAddress(address, { name, network, scheme }, limits);
    const placed = { server, host: address.host };
    taken.push(placed);
    return placed;
  };
  try {
    const http = config.http.listen && (await take(config.http.listen, 'http', 'http'));
    const https: PlacedServer[] = [];
    for (const address of config.https.listen) https.push(await take(address, 'https', 'https'));
    const management = config.management.listen && (await take(config.management.listen, 'management', 'http'));
    const ipv6: PlacedServer[] = [];
    for (const placed of [http, ...https]) {
      const twin = placed && (await takeTwin(placed, config, limits));
      if (twin) {
        taken.push(twin);
        ipv6.push(twin);
      }
    }
    return { http, https, ipv6, management, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * `localhost` means ::1 to some clients before it means 127.0.0.1, so a listener that nobody configured stands on both. A
 * machine without IPv6, or one where another program has that port there, goes without.
 */
async function takeTwin(placed: PlacedServer, config: Config, limits: ServerLimits): Promise<PlacedServer | null> {
  const configured = placed.server.listener.name === 'http' ? config.http.listen : config.https.listen[0];
  // Only a default has alternate ports.
  if (!configured || configured.alternatePorts.length === 0 || placed.host !== '127.0.0.1') return null;
  const where = { host: '::1', port: placed.server.port };
  try {
    return { server: await listen({ listener: placed.server.listener, where, limits }), host: where.host };
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EADDRINUSE', 'EACCES'].includes(code)) return null;
    throw error;
  }
}

async function takeAddress(address: ListenAddress, listener: Listener, limits: ServerLimits): Promise<HttpServer> {
  let problem: NodeJS.ErrnoException | undefined;
  for (const port of [address.port, ...address.alternatePorts]) {
    try {
      return await listen({ listener, where: { host: address.host, port }, limits });
    } catch (error) {
      problem = error as NodeJS.ErrnoException;
      if (problem.code !== 'EADDRINUSE' && problem.code !== 'EACCES') break;
    }
  }
  const asked = formatAddress(address);
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another program uses that port; stop it, or set another port',
    EACCES: 'this user may not use that port; set one above 1023',
    EADDRNOTAVAIL: 'this machine has no such address',
  };
  const reason = reasons[problem?.code ?? ''] ?? problem?.message ?? 'unknown error';
  throw new StartRefusal(`cannot listen on ${asked} (${listener.name}.listen): ${reason}`);
}

/** Bounds of every listener, from configuration. */
export function serverLimits(config: Config): ServerLimits {
  return {
    maxHeaderBytes: config.limits.headerBytes,
    headersTimeoutMs: Math.min(20_000, config.limits.slowClient),
    idleMs: config.limits.slowClient,
    maxConnections: config.limits.connections,
  };
}
