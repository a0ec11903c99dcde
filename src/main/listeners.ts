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
  /** All that clients of the data plane come through. */
  readonly serving: readonly PlacedServer[];
  /** Leads clients that do not resolve Berth's names to the first TLS listener; without one there is none. */
  readonly proxy: ConnectProxy | null;
  /** Gives the addresses of the data plane and of the proxy back, for threads that share them. */
  release(): Promise<void>;
  close(): Promise<void>;
}

/** An address that threads share. */
export interface SharedPlace {
  readonly listener: Listener;
  readonly host: string;
  readonly port: number;
}

/** The addresses of one start that its threads take together. */
export interface SharedPlaces {
  readonly serving: readonly SharedPlace[];
  readonly proxy: { readonly host: string; readonly port: number } | null;
}

/** Where every listener stands, for people and for `berth doctor`. */
export function placedServers(listeners: Listeners): { name: string; host: string; port: number }[] {
  const { serving, management } = listeners;
  return [...serving, ...(management ? [management] : [])].map(({ server, host }) => ({
    name: server.listener.name,
    host,
    port: server.port,
  }));
}

/** Where the data plane and the proxy stand, for threads that are to share it. */
export function sharedPlaces(listeners: Listeners): SharedPlaces {
  const { serving, proxy } = listeners;
  return {
    serving: serving.map(({ server, host }) => ({ listener: server.listener, host, port: server.port })),
    proxy: proxy && { host: proxy.host, port: proxy.port },
  };
}

/**
 * Takes addresses that other threads take as well. The system shares a port only among sockets that all ask for it, so an
 * address that somebody else has without sharing it rejects with the system's error.
 */
export async function takeShared(
  places: SharedPlaces,
  config: Config,
  ticketKeys: Uint8Array,
): Promise<Pick<Listeners, 'serving' | 'proxy' | 'close'>> {
  const serving: PlacedServer[] = [];
  let proxy: ConnectProxy | null = null;
  const limits = serverLimits(config);
  const share = { ...limits, maxConnections: Math.max(1, Math.floor(limits.maxConnections / config.workers)) };
  const close = async (): Promise<void> => {
    for (const { server } of serving) await server.close({ force: true });
    await proxy?.close();
  };
  try {
    for (const { listener, host, port } of places.serving) {
      const server = await listen({ listener, where: { host, port, reusePort: true }, limits: share, ticketKeys });
      serving.push({ server, host });
    }
    const tls = serving.find(({ server }) => server.listener.scheme === 'https');
    if (places.proxy && tls) proxy = await openProxy(config, { ...places.proxy, reusePort: true }, tls.server, share);
    return { serving, proxy, close };
  } catch (error) {
    await close();
    throw error;
  }
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
    const serving = [http, ...https, ...ipv6, ingress].filter((placed) => placed !== null);
    const release = async (): Promise<void> => {
      for (const { server } of serving) await server.close({ force: true });
      await proxy?.close();
    };
    return { http, https, ipv6, ingress, management, serving, proxy, release, close };
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
  return takeAddress(config.proxy.listen, 'proxy', (where) => openProxy(config, where, tls, limits));
}

function openProxy(
  config: Config,
  where: { host: string; port: number; reusePort?: boolean },
  tls: HttpServer,
  limits: ServerLimits,
): Promise<ConnectProxy> {
  return listenAsProxy({
    where,
    limits,
    domain: config.domain,
    ports: [...new Set([443, tls.port])],
    adopt: (connection) => tls.adopt(connection),
  });
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
