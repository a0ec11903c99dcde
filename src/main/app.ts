import { randomInt } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fsBlobStore } from '../adapters/blob-fs/index.ts';
import { localKeyWrapper } from '../adapters/key-local/index.ts';
import { openPostgres } from '../adapters/sql-postgres/index.ts';
import { openSqlite } from '../adapters/sql-sqlite/index.ts';
import * as content from '../content/index.ts';
import * as data from '../data/index.ts';
import { bufferPool, type Exchange, type HttpServer, listen } from '../http/index.ts';
import * as identity from '../identity/index.ts';
import { type Clock, type Ids, isFault } from '../kernel/index.ts';
import { BlobStoreError, type Database, DatabaseError } from '../ports/index.ts';
import { type Background, repeat } from './background.ts';
import { care } from './care.ts';
import { describeConfig, type LoadedConfig } from './config.ts';
import type { Config } from './config-schema.ts';
import { formatAddress } from './config-values.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { behindProxy, parseTrustedProxies } from './forwarded.ts';
import { type Listeners, placedServers, serverLimits, takeAddresses } from './listeners.ts';
import type { Log } from './log.ts';
import { type ManagementServices, management } from './management.ts';
import { metrics } from './metrics.ts';
import { probeWatch } from './probe-watch.ts';
import { parseRateFactor } from './rate-factor.ts';
import { registryDoor } from './registry-door.ts';
import { chooseRegistryName } from './registry-name.ts';
import { derivedKey } from './root-key.ts';
import { StartRefusal } from './start-refusal.ts';
import { trustStore } from './trust.ts';

/** What a start says when it is ready: the line of `--json`, and the source of the welcome. */
export interface ReadyInfo {
  readonly ready: true;
  readonly pid: number;
  readonly dataDir: string;
  /** The plain listener, or the TLS one when there is none. */
  readonly loginServer: string;
  readonly registry: { readonly name: string; readonly loginServer: string };
  readonly username?: string;
  readonly password?: string;
  /** `proxy` is what clients take as HTTPS_PROXY; absent when it is off. */
  readonly endpoints: { readonly registry: string; readonly proxy?: string };
  readonly caFile: string;
}

/** A running Berth. */
export interface App {
  readonly ready: ReadyInfo;
  /** Aborted when nothing can be written any more; the app then only waits to be stopped. */
  readonly lost: AbortSignal;
  /** Drains and stops: running requests may finish within the grace, new ones hear 503. Idempotent. */
  stop(): Promise<void>;
  /** Ends the grace at once. */
  force(): void;
}

/** One region is just N = 1: the first deployment of a region has ordinal 1. */
const regionOrdinal = 1;

/** Name of the resource group that the first start makes. */
const firstResourceGroup = 'berth';
/** How long a readiness probe waits for the database. */
const readyWithinMs = 5_000;
/** How long handlers may take to notice that their connection was closed. */
const handlersWithinMs = 10_000;

const founding: data.RequestContext = {
  requestId: 'start',
  actor: 'system',
  host: '',
  method: 'START',
  userAgent: '',
  address: '',
  listener: '',
  network: '',
};

/** Starts Berth: ports first, then data, then doors. Throws a StartRefusal with one line when it cannot. */
export async function startApp(options: { loaded: LoadedConfig; clock: Clock; ids: Ids; log: Log }): Promise<App> {
  const { loaded, clock, ids, log } = options;
  const { config } = loaded;
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const listeners = await takeAddresses(config);
    undo.push(() => listeners.close());
    const folder = await openDataFolder({ path: config.data, clock, ids, pid: process.pid });
    undo.push(() => folder.close());
    const database = await openDatabase(config, folder, clock);
    undo.push(() => database.close());
    const socket = await openSocket(config, folder);
    undo.push(() => socket.close({ force: true }));
    return await wire({ loaded, config, clock, ids, log, listeners, folder, database, socket });
  } catch (error) {
    for (const step of undo.reverse())
      await step().catch((problem: unknown) => log.error('background-failed', problem));
    throw asRefusal(error, config.data);
  }
}

/** What the operating system refuses while the folder is filled is for the person who starts Berth, not a bug. */
function asRefusal(error: unknown, folder: string): unknown {
  const isForeign = error instanceof BlobStoreError || (error instanceof Error && refusedBySystem(error));
  return isForeign ? new StartRefusal(`cannot work in ${folder}: ${error.message}`, { cause: error }) : error;
}

function refusedBySystem(error: Error): boolean {
  return 'code' in error && ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT'].includes(String(error.code));
}

async function openDatabase(config: Config, folder: DataFolder, clock: Clock): Promise<Database> {
  const common = {
    migrations: data.migrations,
    modules: [data, identity, content],
    clock,
    regionOrdinal,
    lastStamp: data.lastStamp,
  };
  try {
    return config.database.url === null
      ? await openSqlite({ file: join(folder.path, 'berth.db'), ...common })
      : await openPostgres({ url: config.database.url.reveal(), ...common });
  } catch (error) {
    if (error instanceof DatabaseError)
      throw new StartRefusal(`cannot open the database: ${error.message}`, { cause: error });
    throw error;
  }
}

interface Parts {
  readonly loaded: LoadedConfig;
  readonly config: Config;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly listeners: Listeners;
  readonly folder: DataFolder;
  readonly database: Database;
  /** The management socket, taken and not served yet. */
  readonly socket: HttpServer;
}

/** The one place where names meet implementations. */
async function wire(parts: Parts): Promise<App> {
  const { loaded, config, clock, ids, log, listeners, folder, database, socket } = parts;
  const wrapper = localKeyWrapper(folder.rootKey);
  const credentials = identity.credentialService({ database, wrapper, ids });
  const registries = content.registries(database);
  const { registry, tenantId, subscriptionId, incarnation } = await found(parts, registries);

  const tokens = identity.tokenService({
    keys: await identity.loadSigningKeys(database, wrapper, ids),
    clock,
    ids,
    accessLifetimeMs: config.tokens.accessLifetime,
    refreshLifetimeMs: config.tokens.refreshLifetime,
  });
  const authenticator = identity.authenticator({ database, tokens, clock });
  const blobStore = await fsBlobStore({ directory: join(folder.path, 'blobs') });
  const environment: content.ContentEnvironment = {
    database,
    blobs: blobStore,
    seal: data.plainSeal,
    clock,
    ids,
    regionOrdinal,
    // A restored copy is another incarnation, and knows none of the sessions that were open.
    sessionKey: derivedKey(folder.rootKey, `upload-sessions/${incarnation}`),
    limits: {
      manifestBytes: config.limits.manifestBytes,
      layerBytes: config.limits.layerBytes,
      indexDepth: config.limits.indexDepth,
      indexWidth: config.limits.indexWidth,
      openUploadsPerIdentity: config.limits.openUploadsPerIdentity,
      uploadIdleMs: config.limits.uploadIdle,
      blobLeaseMs: config.collect.blobLease,
    },
  };
  const lost = (digest: string, error: unknown): void => log.error('blob-lost', error, { digest });
  const bodies = content.bodyCache({ database, seal: data.plainSeal, lost });
  const pulls = content.pulls(database, clock);
  const uploads = content.uploads(environment);
  const refusals = content.refusals(database);

  const publicPort = listeners.https[0]?.server.port ?? 0;
  const door = registryDoor({ registries, domain: config.domain, publicPort: () => publicPort });
  const trust = await trustStore({
    folder: folder.path,
    domain: config.domain,
    keyWrapper: wrapper,
    clock,
    nameExists: async (host) => (await registries.byName(host.slice(0, -config.domain.length - 1))) !== undefined,
  });

  const servers = [listeners.http, ...listeners.https, ...listeners.ipv6, listeners.ingress].flatMap((placed) =>
    placed ? [placed.server] : [],
  );
  const inFlight = (): number => servers.reduce((sum, server) => sum + server.inFlight(), 0);
  const measured = metrics({ inFlight, refusalsDropped: () => refusals.dropped() });
  let draining = false;
  const failed = (exchange: Exchange, error: unknown): void =>
    log.error('request-failed', error, { requestId: exchange.requestId, operation: exchange.facts.operation });
  const finished = (exchange: Exchange): void => {
    const milliseconds = performance.now() - exchange.startedAt;
    measured.observe(exchange, milliseconds / 1000);
    log.access(exchange, milliseconds);
  };

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
      blobs: content.blobs(environment, bodies, lost),
      manifests: content.manifests(environment, bodies, pulls),
      uploads,
      pulls,
      answers: content.keptAnswers(database, clock),
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
  const handle = probes.around(plane);
  const { trusted } = config.ingress;
  const forProxies = trusted === null ? handle : behindProxy(parseTrustedProxies(trusted), handle);
  for (const server of servers) {
    const serving = server === listeners.ingress?.server ? forProxies : handle;
    await server.serve({ handle: serving, finished, ...(server.listener.scheme === 'https' ? { certificates } : {}) });
  }

  // Last of what can fail: a start that failed has not used up the one time that the secret is shown.
  const made = await credentials.ensureAdmin(registry, founding);
  const shown = made ? await credentials.showAdmin(registry) : null;
  const ready = readyInfo(parts, registry, door.canonical(registry), trust.caFile, shown);
  const managementServers = [socket, ...(listeners.management ? [listeners.management.server] : [])];
  const cared = care({
    environment,
    config,
    folder: folder.path,
    deploymentId: folder.deploymentId,
    version: programVersion,
    log,
    metrics: measured,
    inFlight,
  });
  const services: ManagementServices = {
    registries,
    checks: cared.checks,
    backups: cared.backups,
    credentials,
    probes,
    refusals,
    metrics: measured,
    config: describeConfig(loaded),
    subscriptionId,
    canonical: (one) => door.canonical(one),
    failed,
    status: async () => ({
      ...ready,
      draining,
      inFlight: inFlight(),
      listeners: placedServers(listeners),
      version: programVersion,
      tenantId,
      subscriptionId,
      username: undefined,
      password: undefined,
    }),
    async notReady() {
      if (draining) return 'shutting down';
      if (database.lost.aborted) return 'the database can no longer be written';
      // Goes the way of every write, and writes nothing.
      const answered = database.transact(data.numberFeed, { limit: 1 }).then(
        () => true,
        () => false,
      );
      const late = delay(readyWithinMs, false, { ref: false });
      return (await Promise.race([answered, late])) ? null : 'the database does not answer';
    },
  };
  for (const server of managementServers) {
    await server.serve({ handle: management(services, { probesOnly: server !== socket }), finished });
  }
  await folder.announce({
    pid: process.pid,
    started: clock.now(),
    endpoints: {
      registry: [ready.endpoints.registry, ready.loginServer],
      ...(ready.endpoints.proxy === undefined ? {} : { proxy: [ready.endpoints.proxy] }),
    },
  });
  const background = [...startBackground({ database, pulls, uploads, rates, refusals, log }), ...cared.begin()];
  for (const [name, configured, placed] of [
    ['http', config.http.listen, listeners.http] as const,
    ...config.https.listen.map((address, index) => ['https', address, listeners.https[index]] as const),
    ['proxy', config.proxy.listen, listeners.proxy && { server: listeners.proxy }] as const,
  ]) {
    if (configured && placed && configured.port !== 0 && placed.server.port !== configured.port) {
      log.warn('listener-moved', { listener: name, from: configured.port, to: placed.server.port });
    }
  }
  log.info('started', { loginServer: ready.loginServer, dataDir: ready.dataDir, pid: ready.pid });

  const patience = new AbortController();
  const stop = async (): Promise<void> => {
    draining = true;
    log.info('draining', { inFlight: inFlight() });
    await untilIdle(inFlight, config.shutdown.grace, patience.signal);
    const everything = [
      () => Promise.all([...servers, ...managementServers].map((server) => server.close({ force: true }))),
      async () => listeners.proxy?.close(),
      // Handlers whose connection is gone come to their end before the database is closed under them.
      () => untilIdle(inFlight, handlersWithinMs, patience.signal),
      ...background.map((task) => () => task.stop()),
      () => pulls.flush(),
      () => refusals.flush(),
      () => blobStore.close(),
      () => database.close(),
      () => folder.close(),
    ];
    const problems: unknown[] = [];
    for (const step of everything) {
      // One step that fails (a full disk) must not keep the others from being done.
      await step().catch((error: unknown) => {
        problems.push(error);
        log.error('background-failed', error);
      });
    }
    log.info('stopped');
    await log.close();
    if (problems.length > 0) throw new StartRefusal('the stop was not clean; the log says what failed');
  };
  let stopping: Promise<void> | undefined;
  return { ready, lost: database.lost, stop: () => (stopping ??= stop()), force: () => patience.abort() };
}

/** First start: whose database this is, its subscription and resource group, the first registry. Later starts find them. */
async function found(
  parts: Parts,
  registries: content.Registries,
): Promise<{ registry: content.Registry; tenantId: string; subscriptionId: string; incarnation: string }> {
  const { config, database, folder, ids } = parts;
  const deployment = await database.transact(content.foundDeployment, {
    id: folder.deploymentId,
    incarnation: ids.id(),
    tenantId: ids.guid(),
    subscriptionId: ids.guid(),
    resourceGroup: firstResourceGroup,
    regionOrdinal,
    regionName: config.region.name,
  });
  const existing = await registries.default();
  const { incarnation } = deployment;
  const owner = { tenantId: deployment.tenant_id, subscriptionId: deployment.subscription_id, incarnation };
  if (existing) return { registry: existing, ...owner };
  try {
    const registry = await registries.create(founding, {
      name: config.registry.name ?? chooseRegistryName(randomInt),
      adminEnabled: true,
      anonymousPull: false,
      onlyAsDefault: true,
    });
    return { registry, ...owner };
  } catch (error) {
    throw isFault(error) ? new StartRefusal(error.message, { cause: error }) : error;
  }
}

/** Takes the management socket. What `listen` makes has the rights that the program's umask leaves: none for others. */
async function openSocket(config: Config, folder: DataFolder): Promise<HttpServer> {
  const socket = await listen({
    listener: { name: 'socket', network: 'loopback', scheme: 'http' },
    where: { path: folder.socketPath },
    limits: serverLimits(config),
  });
  await chmod(folder.socketPath, 0o600);
  return socket;
}

function startBackground(parts: {
  database: Database;
  pulls: content.Pulls;
  uploads: content.Uploads;
  rates: content.RateLimits;
  refusals: content.Refusals;
  log: Log;
}): Background[] {
  const { database, pulls, uploads, rates, refusals, log } = parts;
  const failed = (error: unknown): void => log.error('background-failed', error);
  return [
    repeat(5_000, () => pulls.flush(), failed),
    repeat(5_000, () => refusals.flush(), failed),
    repeat(60_000, async () => rates.forget(), failed),
    repeat(
      60_000,
      async () => {
        const expired = await uploads.sweep(500);
        if (expired > 0) log.info('uploads-expired', { count: expired });
      },
      failed,
    ),
    // Where transactions number their changes themselves there is nothing to do, and the step costs one empty look.
    ...(data.dialectOf(database.dialect).sequencesFeed
      ? [repeat(200, () => database.transact(data.numberFeed, { limit: 1000 }), failed)]
      : []),
  ];
}

function readyInfo(
  parts: Parts,
  registry: content.Registry,
  canonical: string,
  caFile: string,
  shown: identity.ShownCredentials | null,
): ReadyInfo {
  const { listeners, folder } = parts;
  const plain = listeners.http;
  const password = shown?.passwords[0]?.value;
  return {
    ready: true,
    pid: process.pid,
    dataDir: folder.path,
    loginServer: plain ? `${plain.host}:${plain.server.port}` : canonical,
    registry: { name: registry.name, loginServer: canonical },
    ...(shown && password !== undefined ? { username: shown.username, password } : {}),
    endpoints: {
      registry:
        listeners.https.length > 0 || !plain ? `https://${canonical}` : `http://${plain.host}:${plain.server.port}`,
      ...(listeners.proxy ? { proxy: `http://${formatAddress(listeners.proxy)}` } : {}),
    },
    caFile,
  };
}

/** Waits until nothing is answered any more, the grace is over, or somebody loses patience. */
async function untilIdle(inFlight: () => number, graceMs: number, patience: AbortSignal): Promise<void> {
  const end = performance.now() + graceMs;
  while (inFlight() > 0 && performance.now() < end && !patience.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Version of this program, as `berth --version` says it. */
export const programVersion = '0.1.0';
