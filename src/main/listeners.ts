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
    return { http, https, management, close };
  } catch (error) {
    await close();
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
