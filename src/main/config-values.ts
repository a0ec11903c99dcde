import { isIP } from 'node:net';
import { StartRefusal } from './start-refusal.ts';

/**
 * Where to listen. `alternatePorts` are tried in order when `port` is taken or not permitted; an address that somebody
 * configured has none, because moving it would break what they configured beside it. Port 0 asks for any free one.
 */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  readonly alternatePorts: readonly number[];
}

/** The word that switches a listener off. */
export const off = 'off';

const durations: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizes: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** Parses `HOST:PORT` with an IP address or `localhost` as host; `[::1]:443` for IPv6. */
export function parseAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    throw new StartRefusal(`"${text}" is not HOST:PORT, for instance 127.0.0.1:5000 or [::1]:5000`);
  }
  if (isIP(host) === 0 && host !== 'localhost') {
    throw new StartRefusal(`"${host}" is not an IP address of this machine or "localhost"`);
  }
  return { host, port, alternatePorts: [] };
}

/** Parses addresses separated by commas. */
export function parseAddresses(text: string): ListenAddress[] {
  return text.split(',').map((part) => parseAddress(part.trim()));
}

/** True when only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return isIP(host) === 4 ? host.startsWith('127.') : /^(?:0*:)*0*1$/.test(host);
}

/** Writes an address as `parseAddress` reads it. */
export function formatAddress(address: Pick<ListenAddress, 'host' | 'port'>): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Parses a duration such as `90s` or `7d` to milliseconds. The unit is not optional. */
export function parseDuration(text: string): number {
  return parseQuantity(text, durations, 'a duration, for instance 500ms, 90s, 75m, 3h or 7d');
}

/** Writes milliseconds in the greatest unit that divides them. */
export function formatDuration(ms: number): string {
  return formatQuantity(ms, durations);
}

/** Parses a size such as `4MiB`, or a plain number of bytes. */
export function parseBytes(text: string): number {
  const withUnit = /^[0-9]+$/.test(text) ? `${text}B` : text;
  return parseQuantity(withUnit, sizes, 'a size, for instance 65536, 16KiB, 4MiB or 200GiB');
}

/** Writes bytes in the greatest unit that divides them. */
export function formatBytes(bytes: number): string {
  return formatQuantity(bytes, sizes);
}

/** Parses a whole number between `min` and `max`. */
export function parseInteger(text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^[0-9]{1,15}$/.test(text) || value < min || value > max) {
    throw new StartRefusal(`"${text}" is not a whole number from ${min} to ${max}`);
  }
  return value;
}

/** Parses `true` or `false`. */
export function parseBoolean(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new StartRefusal(`"${text}" is neither true nor false`);
  return text === 'true';
}

/** Longest domain, so that the longest host below it stays within the 253 characters of DNS. */
const maxDomainLength = 150;

/** Parses the domain under which every host of Berth lives: two labels or more, made lower case. */
export function parseDomain(text: string): string {
  const domain = text.toLowerCase();
  const labels = domain.split('.');
  for (const label of labels) {
    if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label)) {
      throw new StartRefusal(`"${text}" is not a DNS name: labels of 1 to 63 letters, digits and inner hyphens`);
    }
  }
  if (labels.length < 2) {
    throw new StartRefusal(
      `"${text}" has one label, and no client accepts a certificate for *.${domain}; use two or more, such as berth.${domain}`,
    );
  }
  if (/^[0-9]+$/.test(labels.at(-1) ?? '')) {
    throw new StartRefusal(
      `"${text}" looks like an IP address; a domain is needed, because each registry has its own host`,
    );
  }
  if (domain.length > maxDomainLength) {
    throw new StartRefusal(
      `a domain of ${domain.length} characters leaves no room below it; at most ${maxDomainLength}`,
    );
  }
  return domain;
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>, wanted: string): number {
  const match = /^([0-9]{1,15}) ?([a-zA-Z]+)$/.exec(text);
  const factor = match ? units[match[2] ?? ''] : undefined;
  const value = Number(match?.[1]) * (factor ?? Number.NaN);
  if (!Number.isSafeInteger(value)) throw new StartRefusal(`"${text}" is not ${wanted}`);
  return value;
}

function formatQuantity(value: number, units: Readonly<Record<string, number>>): string {
  const [unit, factor] = Object.entries(units).findLast(([, size]) => value > 0 && value % size === 0) ?? [
    Object.keys(units)[0],
    1,
  ];
  return `${value / factor}${unit}`;
}
