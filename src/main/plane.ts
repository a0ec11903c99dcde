import { join } from 'node:path';
import { fsBlobStore } from '../adapters/blob-fs/index.ts';
import { localKeyWrapper } from '../adapters/key-local/index.ts';
import * as azure from '../azure/index.ts';
import * as content from '../content/index.ts';
import * as data from '../data/index.ts';
import { bufferPool, type Exchange, type HttpServer, type ServerDuties } from '../http/index.ts';
import * as identity from '../identity/index.ts';
import type { Clock, Ids } from '../kernel/index.ts';
import type { Database, KeyWrapper } from '../ports/index.ts';
import { type Background, repeat } from './background.ts';
import { cacheShares } from './cache-shares.ts';
import type { Config } from './config-schema.ts';
import { regionOrdinal } from './database.ts';
import { type DirectoryPlane, lazyDirectory } from './directory-plane.ts';
import { behindProxy, parseTrustedProxies } from './forwarded.ts';
import { lazy, lazyHandle } from './lazy.ts';
import type { Log } from './log.ts';
import { type LoginPlane, loginPlane } from './login-plane.ts';
import { type Metrics, type MetricsReport, metrics } from './metrics.ts';
import { type Handle, type PlaneName, planeOfHost, planesByHost } from './planes-by-host.ts';
import { type ProbeWatch, probeWatch } from './probe-watch.ts';
import { parseRateFactor } from './rate-factor.ts';
import { registryDoor } from './registry-door.ts';
import { derivedKey } from './root-key.ts';
import { type TrustStore, trustStore } from './trust.ts';

/** What a thread needs to have the data plane. */
export interface PlaneParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly folder: { readonly path: string; readonly rootKey: Uint8Array };
  readonly database: Database;
  /** Of the deployment: which life of its data this is. */
  readonly incarnation: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** Port of the first TLS listener, 0 without one. */
  readonly publicPort: number;
  /** For planes that stand in several threads. */
  readonly sharedTurns?: content.SharedTurns;
  readonly inUseElsewhere?: () => Promise<content.InUse>;
  /** What the other threads have counted. */
  readonly reportsElsewhere?: () => Promise<readonly MetricsReport[]>;
}

/** The data plane in one thread, with its own caches. It holds no address; `serve` gives it servers that do. */
export interface Plane {
  readonly environment: content.ContentEnvironment;
  readonly wrapper: KeyWrapper;
  readonly registries: content.Registries;
  readonly door: content.RegistryDoor;
  readonly trust: TrustStore;
  readonly uploads: content.Uploads;
  readonly refusals: content.Refusals;
  readonly probes: ProbeWatch;
  readonly measured: Metrics;
  /** Opens the directory at the first call. */
  readonly directory: () => Promise<DirectoryPlane>;
  readonly login: LoginPlane;
  /** Opens the resource manager at the first call. */
  readonly management: () => Promise<azure.Management>;
  /** For requests of other faces in this thread. */
  readonly failed: (exchange: Exchange, error: unknown) => void;
  readonly finished: (exchange: Exchange) => void;
  /** Lets the servers answer. Those of listener `ingress` stand behind trusted proxies. */
  serve(servers: readonly HttpServer[]): Promise<void>;
  inFlight(): number;
  report(): MetricsReport;
  /** From now on new requests hear 503. */
  drain(): void;
  isDraining(): boolean;
  /** Starts what repeats in every thread. */
  background(): Background[];
  /** Writes down what waits in memory for that. */
  flush(): Promise<void>;
  /** Closes what the plane has opened itself. */
  close(): Promise<void>;
}

/** The one place where names of the data plane meet implementations. */
export async function openPlane(parts: PlaneParts): Promise<Plane> {
  const { config, clock, ids, log, folder, database, publicPort } = parts;
  const wrapper = localKeyWrapper(folder.rootKey);
  const registries = content.registries(database);
  const keys = await identity.loadSigningKeys(database, wrapper, ids, {
    purpose: 'registry',
    clock,
    rotateAfterMs: config.tokens.keyRotation,
    tokensLiveMs: Math.max(config.tokens.accessLifetime, config.tokens.refreshLifetime),
  });
  const tokens = identity.tokenService({
    keys,
    clock,
    ids,
    accessLifetimeMs: config.tokens.accessLifetime,
    refreshLifetimeMs: config.tokens.refreshLifetime,
  });
  const directory = lazyDirectory({ database, wrapper, clock, ids, tenantId: parts.tenantId, config });
  const authenticator = identity.authenticator({
    database,
    tokens,
    clock,
    directory: {
      directory: identity.directory({ database, clock }),
      tokens: async () => (await directory()).tokens,
      domain: config.domain,
    },
  });
  const blobStore = await fsBlobStore({ directory: join(folder.path, 'blobs') });
  const { sharedTurns, inUseElsewhere } = parts;
  const environment: content.ContentEnvironment = {
    database,
    blobs: blobStore,
    seal: data.plainSeal,
    clock,
    ids,
    regionOrdinal,
    // A restored copy is another incarnation, and knows none of the sessions that were open.
    sessionKey: derivedKey(folder.rootKey, `upload-sessions/${parts.incarnation}`),
    limits: {
      manifestBytes: config.limits.manifestBytes,
      layerBytes: config.limits.layerBytes,
      indexDepth: config.limits.indexDepth,
      indexWidth: config.limits.indexWidth,
      openUploadsPerIdentity: config.limits.openUploadsPerIdentity,
      uploadIdleMs: config.limits.uploadIdle,
      blobLeaseMs: config.collect.blobLease,
    },
    ...(sharedTurns ? { sharedTurns } : {}),
    ...(inUseElsewhere ? { inUseElsewhere } : {}),
  };
  const caches = cacheShares(config.cache.memory);
  const lost = (digest: string, error: unknown): void => log.error('blob-lost', error, { digest });
  const bodies = content.bodyCache({ database, seal: data.plainSeal, maxBytes: caches.bodies, lost });
  const pulls = content.pulls(database, clock);
  const uploads = content.uploads(environment);
  const refusals = content.refusals(database, { memory: caches.refusals });

  /** Planes besides the data plane, by name; what is not in it answers nobody. */
  const planes: Partial<Record<PlaneName, Handle>> = {};
  const login = loginPlane({
    config,
    database,
    clock,
    ids,
    rootKey: folder.rootKey,
    tenantId: parts.tenantId,
    directory,
    registryKeys: keys,
    failed: (exchange, error) => failed(exchange, error),
  });
  planes.login = login.handle;
  let openedManagement: azure.Management | undefined;
  const door = registryDoor({ registries, domain: config.domain, publicPort: () => publicPort });
  const trust = await trustStore({
    folder: folder.path,
    domain: config.domain,
    keyWrapper: wrapper,
    clock,
    nameExists: async (host) => {
      const name = planeOfHost(host, config.domain);
      if (name !== undefined) return name in planes;
      return (await registries.byName(host.slice(0, -config.domain.length - 1))) !== undefined;
    },
  });

  let serving: readonly HttpServer[] = [];
  const inFlight = (): number => serving.reduce((sum, server) => sum + server.inFlight(), 0);
  /** What of this thread is on the page besides its counts. */
  const gauges = (): Omit<MetricsReport, 'counts'> => ({ inFlight: inFlight(), refusalsDropped: refusals.dropped() });
  const care = { checkedBytes: 0, damage: 0 };
  const nothing = { requests: new Map(), durations: new Map(), throttled: new Map(), care };
  const measured = metrics(async () => [
    { ...gauges(), counts: nothing },
    ...((await parts.reportsElsewhere?.()) ?? []),
  ]);
  let draining = false;
  const failed = (exchange: Exchange, error: unknown): void =>
    log.error('request-failed', error, { requestId: exchange.requestId, operation: exchange.facts.operation });
  const finished = (exchange: Exchange): void => {
    const milliseconds = performance.now() - exchange.startedAt;
    measured.observe(exchange, milliseconds / 1000);
    log.access(exchange, milliseconds);
  };

  const management = lazy(async () => {
    // The first start's name, whatever the configuration says now: resources stand in it.
    const [region = config.region.name] = await registries.regions();
    openedManagement = await azure.openManagement({
      ...(await directory()),
      domain: config.domain,
      tenantId: parts.tenantId,
      subscriptionId: parts.subscriptionId,
      region,
      database,
      wrapper,
      clock,
      ids,
      refusals,
      draining: () => draining,
      failed,
      failedLater: (error) => log.error('background-failed', error),
    });
    return openedManagement;
  });
  planes.management = lazyHandle(async () => (await management()).handle, failed);
  const graph = lazy(async () =>
    azure.openGraph({
      ...(await directory()),
      applications: identity.applications({ database, clock, ids }),
      people: identity.people(database),
      clock,
      subscriptionId: parts.subscriptionId,
      domain: config.domain,
      refusals,
      draining: () => draining,
      failed,
    }),
  );
  planes.graph = lazyHandle(graph, failed);

  const probes = probeWatch({ clock, ids });
  const rates = content.rateLimits({
    factor: parseRateFactor(config.limits.rates),
    monotonic: () => performance.now(),
    throttled: (category, scope) => measured.throttled(category, scope),
  });
  const plane = content.dataPlane({
    door,
    draining: () => draining,
    failed,
    services: {
      authenticator,
      tokens,
      signIns: login.signIns,
      blobs: content.blobs(environment, bodies, lost),
      manifests: content.manifests(environment, bodies, pulls),
      uploads,
      pulls,
      answers: content.keptAnswers(database, clock, caches.answers),
      catalog: content.catalog(database),
      metadata: content.metadata(environment),
      buffers: bufferPool(),
      manifestBytes: config.limits.manifestBytes,
      rates,
      refusals,
      clock,
    },
  });
  const certificates = {
    secureContextFor: (name: string) => trust.secureContextFor(name),
    unnamed: () => trust.localCertificate(),
    failed: (error: unknown) => log.error('background-failed', error),
  };

  return {
    environment,
    wrapper,
    registries,
    door,
    trust,
    uploads,
    refusals,
    probes,
    measured,
    directory,
    login,
    management,
    failed,
    finished,
    inFlight,
    async serve(servers) {
      serving = servers;
      const handle = probes.around(planesByHost({ domain: config.domain, planes, registries: plane }));
      const { trusted, forwardedHost: believesHost } = config.ingress;
      const forProxies =
        trusted === null ? handle : behindProxy({ proxies: parseTrustedProxies(trusted), believesHost }, handle);
      for (const server of servers) {
        const { name, scheme } = server.listener;
        const duties: ServerDuties = { handle: name === 'ingress' ? forProxies : handle, finished };
        await server.serve(scheme === 'https' ? { ...duties, certificates } : duties);
      }
    },
    report: () => ({ ...gauges(), counts: measured.counts() }),
    drain() {
      draining = true;
    },
    isDraining: () => draining,
    background() {
      const told = (error: unknown): void => log.error('background-failed', error);
      return [
        repeat(5_000, () => pulls.flush(), told),
        repeat(5_000, () => refusals.flush(), told),
        repeat(60_000, async () => rates.forget(), told),
        ...login.background(told),
      ];
    },
    async flush() {
      const outcomes = await Promise.allSettled([pulls.flush(), refusals.flush(), login.flush()]);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    },
    async close() {
      await openedManagement?.settled();
      await blobStore.close();
    },
  };
}

/** Waits until nothing is answered any more, the time is over, or somebody loses patience. */
export async function untilIdle(
  inFlight: () => number | Promise<number>,
  withinMs: number,
  patience: AbortSignal,
): Promise<void> {
  const late = AbortSignal.any([patience, AbortSignal.timeout(Math.max(1, withinMs))]);
  // Who is asked may hang; the end of the time comes all the same.
  const over = new Promise<number>((resolve) => {
    if (late.aborted) resolve(0);
    else late.addEventListener('abort', () => resolve(0), { once: true });
  });
  while (!late.aborted && (await Promise.race([inFlight(), over])) > 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
