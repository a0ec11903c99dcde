import type { ArrivedRequest, ProbeReport } from '../probe-watch.ts';
import { type Finding, fail, ok, problemOf, warn } from './finding.ts';
import { type FrontAnswer, type FrontClient, frontClient } from './front-client.ts';
import { frontCures } from './front-cures.ts';
import { checkFlow } from './front-flow.ts';
import { checkSession, type Operator } from './front-session.ts';
import { checkShape } from './front-shape.ts';

/** A probe through whatever stands in front of Berth. */
export interface Front {
  readonly client: FrontClient;
  /** Header that marks requests of the probe. */
  readonly secret: string;
  /** What has arrived at the server so far. */
  arrived(label: string): Promise<readonly ArrivedRequest[]>;
}

export interface FrontOptions {
  /** The address that clients use. */
  readonly url: string;
  /** Authorities to trust beside those of the system, PEM. */
  readonly authorities: readonly string[];
  /** Sends a command to the running server. */
  readonly operator: Operator;
  /** Domain of the server, to tell which registry a host names. */
  readonly domain: string;
  /** Bodies to try, in bytes, growing. */
  readonly bodySizes: readonly number[];
  /** How long the server is silent in the test of time-outs, seconds; null leaves it out. */
  readonly slowSeconds: number | null;
}

/** Sends a probe to the public address and names what the proxies in front do to it, with the guilty settings. */
export async function checkFront(options: FrontOptions): Promise<Finding[]> {
  const url = publicUrl(options.url);
  if (typeof url === 'string') return [fail('public address', url, 'give --url as https://registry.example.com')];
  const client = frontClient(url, options.authorities);
  let first: FrontAnswer;
  try {
    first = await client.ask('GET', '/v2/');
  } catch (error) {
    return [fail('public address', `${url.origin}: ${problemOf(error)}`, connectionCure(error))];
  }
  const entry = checkEntry(url, first);
  if (entry.some((one) => one.state === 'fail' && one.name === 'public address')) return entry;
  const probe = (await options.operator('POST', '/probes')) as { id: string; secret: string };
  try {
    const front: Front = {
      client,
      secret: probe.secret,
      async arrived(label) {
        const report = (await options.operator('GET', `/probes/${probe.id}`)) as unknown as ProbeReport;
        return report.requests.filter((one) => one.label === label);
      },
    };
    const shape = await checkShape(front);
    // Where the probe does not arrive there is nothing to measure.
    const flow = shape.some((one) => one.state === 'fail' && one.name === 'proxy: probe')
      ? []
      : await checkFlow(front, options);
    return [...entry, ...shape, ...flow, await checkSession(client, options)];
  } finally {
    await options.operator('DELETE', `/probes/${probe.id}`);
  }
}

function publicUrl(text: string): URL | string {
  if (!URL.canParse(text)) return `"${text}" is not an address`;
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return `"${text}" is neither https:// nor http://`;
  if (url.pathname !== '/' || url.search !== '' || url.username !== '') {
    return `"${text}" has more than scheme, host and port, and a registry is at the root of its host`;
  }
  return url;
}

/** What the answer of `GET /v2/` without a password tells: who answers, and which address reached it. */
export function checkEntry(url: URL, answer: FrontAnswer): Finding[] {
  const { status, headers } = answer;
  const text = answer.body.toString('utf8');
  if (status >= 300 && status < 400) {
    const found = `${url.origin} answers /v2/ with ${status} to ${headers.location ?? 'nowhere'}`;
    return [fail('public address', found, frontCures.redirect)];
  }
  if (text.includes('not in ingress.trusted')) {
    return [fail('public address', `Berth refuses the proxy: ${messageIn(text)}`, frontCures.untrusted)];
  }
  if (text.includes('no registry answers to')) {
    return [fail('public address', `Berth says: ${messageIn(text)}`, frontCures['unknown-host'])];
  }
  if (status === 502 || status === 503 || status === 504) {
    return [fail('public address', `${url.origin} answers ${status}`, frontCures.upstream)];
  }
  if (headers['docker-distribution-api-version'] === undefined) {
    const found = `${url.origin} answers ${status} without the headers of a registry`;
    return [fail('public address', found, frontCures['not-berth'])];
  }
  const reached =
    url.protocol === 'https:' || isLocal(url.hostname)
      ? ok('public address', `${url.origin} answers as a registry`)
      : warn('public address', `${url.origin} is not encrypted, and passwords cross it`, 'let the proxy end TLS');
  return [reached, checkChallenge(url, headers['www-authenticate'])];
}

/** The realm is where clients send their password: it must be the address that they used. */
function checkChallenge(url: URL, challenge: string | undefined): Finding {
  const name = 'proxy: scheme and host';
  const realm = /realm="([^"]*)"/.exec(challenge ?? '')?.[1];
  if (realm === undefined || !URL.canParse(realm)) {
    const cure = frontCures['response-header'];
    return fail(name, `the answer has no WWW-Authenticate with a realm, but "${challenge ?? ''}"`, cure);
  }
  const told = new URL(realm);
  const found = `clients are sent to ${realm} for their token, and were asked for ${url.origin}`;
  if (told.hostname !== url.hostname) return fail(name, found, frontCures.host);
  if (told.protocol !== url.protocol) return fail(name, found, frontCures.scheme);
  if (told.port !== url.port) return fail(name, found, frontCures.port);
  return ok(name, `clients are sent to ${realm} for their token`);
}

function messageIn(text: string): string {
  return /"message":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1]?.replaceAll('\\"', '"') ?? text.slice(0, 200);
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host.startsWith('127.') || host === '[::1]' || host.endsWith('.localhost');
}

function connectionCure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the name does not resolve here; look at DNS, or /etc/hosts';
  if (code === 'ECONNREFUSED') return 'nothing listens there; start the proxy, or look at its port and the firewall';
  if (code === 'CERT_HAS_EXPIRED') return 'renew the certificate of the proxy';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'the certificate of the proxy is for other names; get one for this';
  if (code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' || code === 'UNABLE_TO_GET_ISSUER_CERT') {
    return 'the proxy must send the whole chain (nginx: ssl_certificate with the intermediate certificates behind it); for a private authority name its file with --ca';
  }
  if (code.includes('CERT') || code.includes('SIGNED')) {
    return 'the authority of the proxy is not trusted here; name its file with --ca, and install it at every client';
  }
  return 'look at the log of the proxy';
}
