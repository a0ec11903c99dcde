import { setTimeout as delay } from 'node:timers/promises';
import type { Exchange, ServerDuties } from '../http/index.ts';
import { type Clock, Fault, type Ids, sameSecret } from '../kernel/index.ts';

/**
 * Requests that `berth doctor` sends through whatever stands in front of the listeners. They carry the secret of a probe
 * that was opened over the management socket, are answered here, reach no registry and leave nothing behind; the doctor
 * then asks over the socket what arrived.
 */
export interface ProbeWatch extends ProbeDesk {
  open(): { readonly id: string; readonly secret: string };
  report(id: string): ProbeReport;
  close(id: string): void;
  /** Also answers the requests of a probe that was opened in another thread. */
  admit(probe: { readonly id: string; readonly secret: string }): void;
  /** Stands before a plane: requests of an open probe end here. Costs nothing while there is none. */
  around(handle: ServerDuties['handle']): ServerDuties['handle'];
}

/** Where probes are opened and asked about. */
export interface ProbeDesk {
  /**
   * Opens a probe for a few minutes. Its requests show the secret; the id may stand in paths and logs. Throws
   * `too-many-requests` while several are open.
   */
  open(): Awaitable<{ readonly id: string; readonly secret: string }>;
  /** What has arrived so far. Throws `not-found` for a probe that is over. */
  report(id: string): Awaitable<ProbeReport>;
  close(id: string): Awaitable<void>;
}

type Awaitable<T> = T | Promise<T>;

export interface ProbeReport {
  readonly requests: readonly ArrivedRequest[];
}

/** One request of a probe as the server saw it. */
export interface ArrivedRequest {
  /** Which question of the probe it belongs to. */
  readonly label: string;
  readonly method: string;
  /** Path and query as they arrived. */
  readonly target: string;
  readonly httpVersion: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly listener: string;
  readonly scheme: string;
  readonly host: string;
  /** The client, as told by a trusted proxy, or the peer. */
  readonly address: string;
  /** Bytes of the body so far. */
  readonly received: number;
  /** Bytes of the answer that the network has taken so far. */
  readonly sent: number;
  readonly state: 'open' | 'complete' | 'broken';
}

/** Carries the secret of the probe. */
export const probeHeader = 'x-berth-probe';
/** Names the question. */
export const probeLabelHeader = 'x-berth-probe-label';
/** What the answer is to be: `plain`, `flood` (a long body) or `silent-N` (nothing for N seconds). */
export const probeWishHeader = 'x-berth-probe-wish';
/** Size of the long body. */
export const floodBytes = 96 << 20;
/** A body that a compressing proxy would compress. */
export const plainAnswer = JSON.stringify({ schemaVersion: 2, annotations: { filler: 'berth '.repeat(1024) } });
/** Headers that registry clients need back, as they must arrive. */
export const plainAnswerHeaders = {
  'content-type': 'application/vnd.oci.image.manifest.v1+json',
  'docker-distribution-api-version': 'registry/2.0',
  'docker-content-digest': `sha256:${'0'.repeat(64)}`,
  'docker-upload-uuid': '0'.repeat(36),
  etag: `"sha256:${'0'.repeat(64)}"`,
  link: '</v2/berth-doctor/probe/tags/list?n=1&last=a>; rel="next"',
  location: '/v2/berth-doctor/probe/blobs/uploads/0',
  range: '0-0',
  'www-authenticate': 'Bearer realm="/oauth2/token",service="probe"',
} as const;

const lifetimeMs = 10 * 60_000;
const mostProbes = 4;
const mostRequests = 200;
const mostSilenceSeconds = 120;

interface Probe {
  readonly id: string;
  readonly secret: string;
  readonly until: number;
  readonly requests: Mutable<ArrivedRequest>[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Makes the watch of one thread. */
export function probeWatch(options: { clock: Clock; ids: Ids }): ProbeWatch {
  const { clock, ids } = options;
  let probes: readonly Probe[] = [];
  const find = (is: (probe: Probe) => boolean): Probe | undefined => {
    if (probes.some((one) => one.until <= clock.now())) probes = probes.filter((one) => one.until > clock.now());
    return probes.find(is);
  };
  return {
    open() {
      probes = probes.filter((one) => one.until > clock.now());
      if (probes.length >= mostProbes) throw new Fault('too-many-requests', `${mostProbes} probes are open already`);
      const probe = { id: ids.id(), secret: ids.secret(), until: clock.now() + lifetimeMs, requests: [] };
      probes = [...probes, probe];
      return { id: probe.id, secret: probe.secret };
    },
    admit({ id, secret }) {
      probes = [...probes, { id, secret, until: clock.now() + lifetimeMs, requests: [] }];
    },
    report(id) {
      const probe = find((one) => one.id === id);
      if (!probe) throw new Fault('not-found', 'there is no such probe; it may be over');
      return { requests: probe.requests };
    },
    close(id) {
      probes = probes.filter((one) => one.id !== id);
    },
    around: (handle) => (exchange) => {
      const presented = probes.length === 0 ? undefined : exchange.header(probeHeader);
      const probe = presented === undefined ? undefined : find((one) => sameSecret(one.secret, presented));
      return !probe || probe.requests.length >= mostRequests ? handle(exchange) : answer(exchange, probe);
    },
  };
}

async function answer(exchange: Exchange, probe: Probe): Promise<void> {
  exchange.facts.operation = 'doctor.probe';
  const arrived = arrivedRequest(exchange);
  probe.requests.push(arrived);
  exchange.response.once('close', () => {
    if (arrived.state === 'open') arrived.state = exchange.response.writableFinished ? 'complete' : 'broken';
  });
  const wish = exchange.header(probeWishHeader) ?? 'plain';
  try {
    for await (const chunk of exchange.body().iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      arrived.received += chunk.length;
    }
  } catch {
    // The client or the proxy broke off: that is the finding, and `close` has noted it.
    arrived.state = 'broken';
    exchange.response.destroy();
    return;
  }
  if (wish === 'flood') await flood(exchange, arrived);
  else {
    const seconds = Math.min(Number(/^silent-([0-9]{1,3})$/.exec(wish)?.[1] ?? 0), mostSilenceSeconds);
    if (seconds > 0) await delay(seconds * 1000, undefined, { ref: false });
    exchange.send(200, plainAnswerHeaders, plainAnswer);
  }
}

/** Sends as fast as it is taken, until all is or the client is gone, and counts what the network took. */
async function flood(exchange: Exchange, arrived: Mutable<ArrivedRequest>): Promise<void> {
  const { response } = exchange;
  const chunk = Buffer.alloc(256 << 10);
  exchange.sendHead(200, { 'content-type': 'application/octet-stream', 'content-length': floodBytes });
  await new Promise<void>((resolve) => {
    let left = floodBytes;
    const more = (): void => {
      while (left > 0) {
        left -= chunk.length;
        if (!response.write(chunk, () => (arrived.sent += chunk.length))) return;
      }
      response.end();
    };
    response.on('drain', more).once('close', resolve);
    more();
  });
}

function arrivedRequest(exchange: Exchange): Mutable<ArrivedRequest> {
  const { request } = exchange;
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)] as const);
  return {
    label: (exchange.header(probeLabelHeader) ?? '').slice(0, 60),
    method: exchange.method,
    target: request.url ?? '',
    httpVersion: request.httpVersion,
    headers: Object.fromEntries(headers.filter(([name]) => name !== probeHeader)),
    listener: exchange.listener.name,
    scheme: exchange.listener.scheme,
    host: exchange.host,
    address: exchange.address,
    received: 0,
    sent: 0,
    state: 'open',
  };
}
