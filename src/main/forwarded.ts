import { BlockList, isIP } from 'node:net';
import type { Exchange, Listener } from '../http/index.ts';
import { Fault, isFault } from '../kernel/index.ts';
import { StartRefusal } from './start-refusal.ts';

/** The proxies whose word about a client is taken. */
export interface TrustedProxies {
  includes(address: string): boolean;
}

/** Whom the listener for proxies believes, and what. */
export interface ForwardedTrust {
  readonly proxies: TrustedProxies;
  /** True when every one of them writes X-Forwarded-Host itself; proxies that do not know it pass on what a client wrote. */
  readonly believesHost: boolean;
}

/** Who asked, and under which address, as the proxies in front tell it. */
export interface Forwarded {
  readonly address: string;
  readonly scheme: 'http' | 'https';
  /** Null when `Host` counts, as the proxy passes it on. */
  readonly host: string | null;
}

/** Proxies between a client and us; more is a loop or an attempt. */
const maxHops = 32;
const forwardedHost = /^(?:[a-zA-Z0-9._-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::[0-9]{1,5})?$/;

/**
 * Reads `ingress.trusted`: addresses and networks (`10.0.0.0/8`, `fd00::/8`) separated by commas. Throws a StartRefusal for
 * anything else, and for a network that is everybody.
 */
export function parseTrustedProxies(text: string): TrustedProxies {
  const list = new BlockList();
  for (const part of text.split(',').map((one) => one.trim())) {
    const [, address = '', bits] = /^([0-9a-fA-F.:]+)(?:\/([0-9]{1,3}))?$/.exec(part) ?? [];
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : Number(bits);
    if (version === 0 || prefix > most) {
      throw new StartRefusal(`"${part}" is neither an IP address nor a network such as 10.0.0.0/8`);
    }
    if (prefix === 0) throw new StartRefusal(`"${part}" is everybody; name the addresses of the proxies`);
    list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
  }
  return {
    includes(address) {
      const plain = unmapped(address);
      return isIP(plain) !== 0 && list.check(plain, isIP(plain) === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

/**
 * What a trusted proxy's X-Forwarded headers say. The client is the last address of X-Forwarded-For that is no trusted
 * proxy: what stands before it was written by the client itself. Without X-Forwarded-Proto the scheme is https, because
 * the listener is for proxies that end TLS. X-Forwarded-Host is not looked at unless it is believed. Throws
 * `request-invalid` for headers of another form.
 */
export function readForwarded(
  trust: ForwardedTrust,
  peer: string,
  header: (name: string) => string | undefined,
): Forwarded {
  const hops = (header('x-forwarded-for') ?? '').split(',').filter((one) => one.trim() !== '');
  if (hops.length > maxHops) throw new Fault('request-invalid', `X-Forwarded-For names more than ${maxHops} proxies`);
  let address = unmapped(peer);
  for (const hop of hops.toReversed()) {
    if (!trust.proxies.includes(address)) break;
    address = hopAddress(hop.trim());
  }
  const scheme = header('x-forwarded-proto')?.trim().toLowerCase() ?? 'https';
  if (scheme !== 'http' && scheme !== 'https') {
    throw new Fault('request-invalid', `X-Forwarded-Proto is "${scheme.slice(0, 60)}"; the proxy sets http or https`);
  }
  const host = trust.believesHost ? (header('x-forwarded-host')?.trim() ?? null) : null;
  if (host !== null && !forwardedHost.test(host)) {
    throw new Fault('request-invalid', `X-Forwarded-Host is "${host.slice(0, 60)}"; the proxy sets one host`);
  }
  return { address, scheme, host };
}

/**
 * Stands before the plane on the listener for proxies. A peer that is not declared is refused, and its headers are not
 * read; all other listeners never read them.
 */
export function behindProxy(
  trust: ForwardedTrust,
  handle: (exchange: Exchange) => Promise<void> | undefined,
): (exchange: Exchange) => Promise<void> {
  return async (exchange) => {
    const peer = unmapped(exchange.address);
    if (!trust.proxies.includes(peer)) {
      const message = `this listener answers declared proxies only, and ${peer} is not in ingress.trusted`;
      refuse(exchange, 403, 'DENIED', message);
      return;
    }
    try {
      const told = readForwarded(trust, peer, (name) => exchange.header(name));
      exchange.address = told.address;
      exchange.listener = seenAs(exchange.listener, told.scheme);
      if (told.host !== null) exchange.host = told.host;
    } catch (error) {
      if (!isFault(error)) throw error;
      refuse(exchange, 400, 'UNSUPPORTED', error.message);
      return;
    }
    await handle(exchange);
  };
}

function refuse(exchange: Exchange, status: number, code: string, message: string): void {
  exchange.facts.operation = 'proxy.refused';
  exchange.facts.error = code.toLowerCase();
  exchange.sendJson(status, { errors: [{ code, message, detail: null }] });
}

/** The listener as the client sees it: the scheme is the one that it speaks to the proxy. */
function seenAs(listener: Listener, scheme: Listener['scheme']): Listener {
  return listener.scheme === scheme ? listener : { ...listener, scheme };
}

/** An element of X-Forwarded-For; some proxies add the port. */
function hopAddress(hop: string): string {
  const inner = /^\[([^\]]+)\](?::[0-9]{1,5})?$/.exec(hop)?.[1] ?? /^([0-9.]+):[0-9]{1,5}$/.exec(hop)?.[1] ?? hop;
  if (isIP(inner) === 0) {
    throw new Fault('request-invalid', `X-Forwarded-For holds "${hop.slice(0, 60)}", which is no address`);
  }
  return unmapped(inner);
}

/** An IPv4 address as such, also where the socket is an IPv6 one. */
function unmapped(address: string): string {
  return /^::ffff:([0-9.]+)$/i.exec(address)?.[1] ?? address;
}
