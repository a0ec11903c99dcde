import { type HttpServer, type Listener, listen, type ServerLimits } from '../http/index.ts';
import type { Config } from './config-schema.ts';
import { formatAddress, isLoopback, type ListenAddress } from './config-values.ts';
import { type ConnectProxy, listenAsProxy } from './connect-proxy.ts';
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
  /** For proxies that end TLS. */
  readonly ingress: PlacedServer | null;
  readonly management: PlacedServer | null;
  /** Leads clients that do not resolve Berth's names to the first TLS listener; without one there is none. */
  readonly proxy: ConnectProxy | null;
  close(): Promise<void>;
}

/** Where every listener stands, for people and for `berth doctor`. */
export function placedServers(listeners: Listeners): { name: string; host: string; port: number }[] {
  const { http, https, ipv6, ingress, management } = listeners;
  return [http, ...https, ...ipv6, ingress, management].flatMap((placed) =>
    placed ? [{ name: placed.server.listener.name, host: placed.host, port: placed.server.port }] : [],
  );
}

/** Takes every configured address, or none: a start that cannot have its ports changes nothing. */
export async function takeAddresses(config: Config): Promise<Listeners> {
  if (config.ingress.listen && config.ingress.trusted === null) {
    throw new StartRefusal('ingress.listen answers declared proxies only; name their addresses in ingress.trusted');
  }
  const taken: PlacedServer[] = [];
  let proxy: ConnectProxy | null = null;
  const limits = serverLimits(config);
  const close = async (): Promise<void> => {
    for (const { server } of taken) await server.close({ force: true });
    await proxy?.close();
  };
  const take = async (address: ListenAddress, name: string, scheme: Listener['scheme']): Promise<PlacedServer> => {
    const network = isLoopback(address.host) ? 'loopback' : 'public';
    const listener: Listener = { name, network, scheme };
    const server = await takeAddress(address, name, (where) => listen({ listener, where, limits }));
    const placed = { server, host: address.host };
    taken.push(placed);
    return placed;
  };
  try {
    const http = config.http.listen && (await take(config.http.listen, 'http', 'http'));
    const https: PlacedServer[] = [];
    for (const address of config.https.listen) https.push(await take(address, 'https', 'https'));
    const ingress = config.ingress.listen && (await take(config.ingress.listen, 'ingress', 'http'));
    const management = config.management.listen && (await take(config.management.listen, 'management', 'http'));
    const ipv6: PlacedServer[] = [];
    for (const placed of [http, ...https]) {
      const twin = placed && (await takeTwin(placed, config, limits));
      if (twin) {
        taken.push(twin);
        ipv6.push(twin);
      }
    }
    proxy = https[0] ? await takeProxy(config, https[0].server, limits) : refuseLoneProxy(config);
    return { http, https, ipv6, ingress, management, proxy, close };
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

async function takeProxy(config: Config, tls: HttpServer, limits: ServerLimits): Promise<ConnectProxy | null> {
  if (!config.proxy.listen) return null;
  return takeAddress(config.proxy.listen, 'proxy', (where) =>
    listenAsProxy({
      where,
      limits,
      domain: config.domain,
      ports: [...new Set([443, tls.port])],
      adopt: (connection) => tls.adopt(connection),
    }),
  );
}

/** A proxy that somebody configured must not be missing silently; the default one has nothing to lead to. */
function refuseLoneProxy(config: Config): null {
  if (config.proxy.listen === null || config.proxy.listen.alternatePorts.length > 0) return null;
  throw new StartRefusal('proxy.listen leads to the TLS listener, and https.listen is off; switch one of them');
}

async function takeAddress<T>(
  address: ListenAddress,
  name: string,
  open: (where: { host: string; port: number }) => Promise<T>,
): Promise<T> {
  let problem: NodeJS.ErrnoException | undefined;
  for (const port of [address.port, ...address.alternatePorts]) {
    try {
      return await open({ host: address.host, port });
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
  throw new StartRefusal(`cannot listen on ${asked} (${name}.listen): ${reason}`);
}

/** Bounds of every listener, from configuration. */
export function serverLimits(config: Config): ServerLimits {
  return {
    maxHeaderBytes: config.limits.headerBytes,
    headersTimeoutMs: Math.min(20_000, config.limits.slowClient),
    idleMs: config.limits.slowClient,
    maxConnections: config.limits.connections,
    minBodyRate: config.limits.bodyRate,
  };
}
