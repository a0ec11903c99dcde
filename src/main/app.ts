import { randomBytes, randomInt } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import * as azure from '../azure/index.ts';
import * as content from '../content/index.ts';
import * as data from '../data/index.ts';
import { type HttpServer, listen } from '../http/index.ts';
import * as identity from '../identity/index.ts';
import { type Clock, type Ids, isFault } from '../kernel/index.ts';
import { BlobStoreError, type Database } from '../ports/index.ts';
import { type Background, repeat } from './background.ts';
import { care } from './care.ts';
import { describeConfig, type LoadedConfig } from './config.ts';
import type { Config } from './config-schema.ts';
import { formatAddress } from './config-values.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { type OwnDatabase, openDatabase, regionOrdinal } from './database.ts';
import { type Listeners, placedServers, serverLimits, sharedPlaces, takeAddresses } from './listeners.ts';
import type { Log } from './log.ts';
import { type ManagementServices, management } from './management.ts';
import { packConfig } from './packed-config.ts';
import { openPlane, type Plane, untilIdle } from './plane.ts';
import { chooseRegistryName } from './registry-name.ts';
import { lastInFlight, type Serving, serveHere } from './serving.ts';
import { type ServingThreads, startServingThreads } from './serving-threads.ts';
import { StartRefusal } from './start-refusal.ts';
import type { ThreadStart } from './thread-messages.ts';

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
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** The first user, on the start that made it: an Owner of the subscription. */
  readonly operator?: identity.ShownUser;
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

/** Node seals TLS sessions with keys of this size in all. */
const ticketKeyBytes = 48;
/** Name of the resource group that the first start makes. */
const firstResourceGroup = 'berth';
/** Name of the user that the first start makes. */
const firstUser = 'operator';
/** How long a readiness probe waits for the database. */
const readyWithinMs = 5_000;
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
    // Node shares a port among threads where the system deals connections out among them.
    if (config.workers > 1 && process.platform !== 'linux') {
      throw new StartRefusal('workers needs a system that deals out connections among threads: Linux; set it to 1');
    }
    const listeners = await takeAddresses(config);
    undo.push(() => listeners.close());
    const folder = await openDataFolder({ path: config.data, clock, ids, pid: process.pid });
    undo.push(() => folder.close());
    const { database, share } = await openDatabase(config, folder.path, clock);
    undo.push(() => database.close());
    const socket = await openSocket(config, folder);
    undo.push(() => socket.close({ force: true }));
    return await wire({ loaded, config, clock, ids, log, listeners, folder, database, share, socket, undo });
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

interface Parts {
  readonly loaded: LoadedConfig;
  readonly config: Config;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly listeners: Listeners;
  readonly folder: DataFolder;
  readonly database: Database;
  readonly share: OwnDatabase['share'];
  /** The management socket, taken and not served yet. */
  readonly socket: HttpServer;
  /** What is to be done, last first, when the start fails. */
  readonly undo: (() => Promise<unknown>)[];
}

/** The one place where names meet implementations. */
async function wire(parts: Parts): Promise<App> {
  const { loaded, config, clock, ids, log, listeners, folder, database, socket } = parts;
  const { registry, tenantId, subscriptionId, incarnation } = await found(parts, content.registries(database));
  const publicPort = listeners.https[0]?.server.port ?? 0;
  let threads: ServingThreads | undefined;
  const plane = await openPlane({
    config,
    clock,
    ids,
    log,
    folder,
    database,
    incarnation,
    tenantId,
    subscriptionId,
    publicPort,
    inUseElsewhere: async () => (await threads?.inUse()) ?? { sessions: [], keys: [] },
    reportsElsewhere: async () => (await threads?.metrics()) ?? [],
  });
  const { registries, door, trust, failed, finished } = plane;
  const credentials = identity.credentialService({ database, wrapper: plane.wrapper, ids });
  if (config.workers > 1) {
    threads = await openThreads(parts, plane, { publicPort, incarnation, tenantId, subscriptionId });
    const started = threads;
    parts.undo.push(() => started.end(AbortSignal.abort()));
  }
  const serving: Serving = threads ?? (await serveHere(plane, listeners));
  const inFlight = (): Promise<number> => serving.inFlight();

  // Last of what can fail: a start that failed has not used up the one time that the secret is shown.
  const made = await credentials.ensureAdmin(registry, founding);
  const shown = made ? await credentials.showAdmin(registry) : null;
  const scope = `/subscriptions/${subscriptionId}`;
  const operator = await plane.login.accounts.createFirst({ name: firstUser, scope });
  const ready: ReadyInfo = {
    ...readyInfo(parts, registry, door.canonical(registry), trust.caFile, shown),
    tenantId,
    subscriptionId,
    ...(operator ? { operator } : {}),
  };
  const managementServers = [socket, ...(listeners.management ? [listeners.management.server] : [])];
  const cared = care({
    environment: plane.environment,
    config,
    folder: folder.path,
    deploymentId: folder.deploymentId,
    version: programVersion,
    log,
    metrics: plane.measured,
    inFlight: lastInFlight(serving),
  });
  const services: ManagementServices = {
    registries,
    checks: cared.checks,
    backups: cared.backups,
    credentials,
    probes: serving.probes,
    refusals: serving.refusals,
    accounts: plane.login.accounts,
    signIns: plane.login.signIns,
    metrics: plane.measured,
    config: describeConfig(loaded),
    canonical: (one) => door.canonical(one),
    failed,
    status: async () => ({
      ...ready,
      draining: plane.isDraining(),
      inFlight: await inFlight(),
      workers: config.workers,
      listeners: placedServers(listeners),
      version: programVersion,
      username: undefined,
      password: undefined,
      operator: await shownOperator(plane.login.accounts),
    }),
    async notReady() {
      if (plane.isDraining()) return 'shutting down';
      if (serving.lost.aborted) return 'a thread that served is gone';
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
  const background = [...startBackground({ database, plane, log }), ...cared.begin()];
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
    plane.drain();
    log.info('draining', { inFlight: await inFlight() });
    await serving.drain();
    await untilIdle(inFlight, config.shutdown.grace, patience.signal);
    const everything = [
      () => Promise.all(managementServers.map((server) => server.close({ force: true }))),
      () => serving.end(patience.signal),
      ...background.map((task) => () => task.stop()),
      () => plane.close(),
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
  const lost = AbortSignal.any([database.lost, serving.lost]);
  return { ready, lost, stop: () => (stopping ??= stop()), force: () => patience.abort() };
}

/**
 * Starts the threads that serve. The addresses are held, without sharing, until every plane stands: so nobody else has
 * them, another Berth that starts at the same time is refused, and only an instant lies between giving them back and
 * taking them again.
 */
async function openThreads(
  parts: Parts,
  plane: Plane,
  told: Pick<ThreadStart, 'publicPort' | 'incarnation' | 'tenantId' | 'subscriptionId'>,
): Promise<ServingThreads> {
  const { config, folder, listeners, log } = parts;
  const threads = await startServingThreads({
    starts: Array.from({ length: config.workers }, () => ({
      config: packConfig(config),
      folder: { path: folder.path, rootKey: folder.rootKey },
      database: parts.share(),
      ...told,
    })),
    log,
    probes: plane.probes,
  });
  try {
    const places = sharedPlaces(listeners);
    await listeners.release();
    await threads.listen(places, randomBytes(ticketKeyBytes));
    return threads;
  } catch (error) {
    await threads.end(AbortSignal.abort());
    throw error;
  }
}

/** The first user, while there is one: whom `berth az-setup` proposes to sign in as. */
async function shownOperator(accounts: identity.Accounts): Promise<{ username: string } | undefined> {
  const user = await accounts.named(firstUser);
  return user ? { username: user.name } : undefined;
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

/** What one thread does for all. */
function startBackground(parts: { database: Database; plane: Plane; log: Log }): Background[] {
  const { database, plane, log } = parts;
  const failed = (error: unknown): void => log.error('background-failed', error);
  return [
    repeat(
      60_000,
      async () => {
        const expired = await plane.uploads.sweep(500);
        if (expired > 0) log.info('uploads-expired', { count: expired });
      },
      failed,
    ),
    repeat(
      5_000,
      async () => {
        if (await azure.hasGroupDeletions(database)) await (await plane.management()).resumeDeletions();
      },
      failed,
    ),
    repeat(3_600_000, () => database.transact(azure.forgetOperations, {}), failed),
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
): Omit<ReadyInfo, 'tenantId' | 'subscriptionId'> {
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

/** Version of this program, as `berth --version` says it. */
export const programVersion = '0.1.0';
