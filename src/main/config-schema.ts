import type { ListenAddress } from './config-values.ts';
import { parseTrustedProxies } from './forwarded.ts';
import { parseRateFactor } from './rate-factor.ts';
import { checkRegistryName } from './registry-name.ts';
import type { Secret } from './secret.ts';
import { StartRefusal } from './start-refusal.ts';

/** How the text of a key is read. `secret` never has a flag, because command lines are visible to other users. */
export type KeyType =
  | 'address'
  | 'addresses'
  | 'duration'
  | 'bytes'
  | 'integer'
  | 'boolean'
  | 'path'
  | 'domain'
  | 'choice'
  | 'text'
  | 'secret'
  | 'secret-file';

/** One key of the configuration. `default` is written as a user would write it; null means that there is none. */
export interface KeyDefinition {
  readonly type: KeyType;
  readonly default: string | null;
  /** What the number counts, or how the value is written. */
  readonly unit: string | null;
  readonly meaning: string;
  /** What happens without a value, where `default` cannot say it. */
  readonly otherwise?: string;
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  /** Only addresses that other machines cannot reach. */
  readonly loopbackOnly?: string;
  /** Ports tried in order when the default one is taken or not permitted. */
  readonly alternatePorts?: readonly number[];
  /** A further check of the value as written; throws a StartRefusal. */
  readonly check?: (text: string) => unknown;
}

/**
 * The one table of keys. Files, environment, flags, documentation and the type `Config` all follow from it. A key is
 * `name` or `section.name`; the variable of `http.listen` is BERTH_HTTP_LISTEN and its flag --http-listen.
 */
export const configKeys = {
  data: {
    type: 'path',
    default: null,
    unit: null,
    otherwise: '`$XDG_DATA_HOME/berth`, or `~/.local/share/berth`',
    meaning: 'Folder that holds everything Berth keeps: database, blobs, keys, certificates.',
  },
  domain: {
    type: 'domain',
    default: 'berth.localhost',
    unit: null,
    meaning: 'Domain under which every host of Berth lives. At least two labels.',
  },
  'registry.name': {
    type: 'text',
    default: null,
    unit: '5 to 50 letters and digits',
    otherwise: '`berth` and a few random characters, chosen at the first start',
    check: checkRegistryName,
    meaning: 'Name of the registry that the first start makes. Later starts do not read it.',
  },
  'http.listen': {
    type: 'address',
    default: '127.0.0.1:5000',
    unit: 'HOST:PORT or off',
    alternatePorts: following(5000),
    loopbackOnly: 'passwords would cross the network unencrypted; use https.listen for other machines',
    meaning:
      'Plain HTTP for clients on this machine, serving the first registry. The default stands on ::1 as well, and moves to a free port near 5000 when that is taken; a configured address does neither. Port 0 asks for any free one.',
  },
  'https.listen': {
    type: 'addresses',
    default: '127.0.0.1:443',
    unit: 'HOST:PORT, several separated by commas, or off',
    alternatePorts: [8443, ...following(8443)],
    meaning:
      'TLS for every host of Berth. The default stands on ::1 as well, and moves to 8443, or a free port near it, when 443 is taken or not permitted; a configured port does not.',
  },
  'proxy.listen': {
    type: 'address',
    default: '127.0.0.1:5443',
    unit: 'HOST:PORT or off',
    // In the end any free port: nobody's first start shall fail for a proxy that was not asked for.
    alternatePorts: [...following(5443), 0],
    loopbackOnly: 'whoever reaches it reaches every host of Berth from an address of this machine',
    meaning:
      'A proxy for clients on this machine that do not resolve the names of Berth: given to them as HTTPS_PROXY, it leads to the TLS listener and nowhere else. The default moves to a free port when that one is taken, and is off without https.listen.',
  },
  workers: {
    type: 'integer',
    default: '1',
    unit: 'threads',
    min: 1,
    max: 64,
    meaning:
      'How many threads serve clients. With 1 the process serves in its main thread; with more, that many threads share the ports (Linux only) and the one database writer. Each has its own caches, counts limits.rates for itself and takes an equal share of limits.connections.',
  },
  'management.listen': {
    type: 'address',
    default: 'off',
    unit: 'HOST:PORT or off',
    meaning: 'Plain HTTP for health and metrics only.',
  },
  'ingress.listen': {
    type: 'address',
    default: 'off',
    unit: 'HOST:PORT or off',
    meaning:
      'Plain HTTP for proxies that end TLS before Berth. It answers nobody but the addresses of ingress.trusted, takes scheme and client from their X-Forwarded headers, and serves the first registry under any host that is not below the domain.',
  },
  'ingress.trusted': {
    type: 'text',
    default: null,
    unit: 'addresses and networks, separated by commas',
    otherwise: 'nobody, and ingress.listen needs somebody',
    check: parseTrustedProxies,
    meaning:
      'The proxies that ingress.listen answers, and whose X-Forwarded-For and X-Forwarded-Proto headers are believed.',
  },
  'ingress.forwardedHost': {
    type: 'boolean',
    default: 'false',
    unit: null,
    meaning:
      'Believe X-Forwarded-Host instead of Host on ingress.listen. Only for proxies that always write that header themselves: through any other, nginx by default for instance, a client chooses the host.',
  },
  'database.url': {
    type: 'secret',
    default: null,
    unit: 'postgres://…',
    otherwise: 'SQLite in the data folder',
    check: checkDatabaseUrl,
    meaning: 'PostgreSQL database, for several hosts. It may hold a password, so it has no flag.',
  },
  'database.urlFile': {
    type: 'secret-file',
    default: null,
    unit: null,
    otherwise: '`database.url`',
    meaning: 'File that holds the value of database.url.',
  },
  'region.name': {
    type: 'text',
    default: 'local',
    unit: '5 to 30 lower-case letters and digits',
    check: checkRegionName,
    meaning:
      'Name of the region that this deployment is; clients see it as the location, the only one that groups and registries ' +
      'can have. Scripts written for Azure find theirs when it is `eastus`, say. Later starts do not read it.',
  },
  'limits.manifestBytes': {
    type: 'bytes',
    default: '4MiB',
    unit: 'bytes',
    min: 1024,
    meaning: 'Greatest manifest that is accepted.',
  },
  'limits.layerBytes': {
    type: 'bytes',
    default: '200GiB',
    unit: 'bytes',
    min: 1024,
    meaning: 'Greatest blob that is accepted.',
  },
  'limits.indexDepth': {
    type: 'integer',
    default: '4',
    unit: 'levels',
    min: 1,
    max: 32,
    meaning: 'How deep image indexes may hold other indexes.',
  },
  'limits.indexWidth': {
    type: 'integer',
    default: '1000',
    unit: 'manifests',
    min: 1,
    max: 100_000,
    meaning: 'How many manifests one image index may list.',
  },
  'limits.openUploadsPerIdentity': {
    type: 'integer',
    default: '500',
    unit: 'uploads',
    min: 1,
    max: 1_000_000,
    meaning: 'How many uploads one identity may have open at a time.',
  },
  'limits.uploadIdle': {
    type: 'duration',
    default: '24h',
    unit: 'milliseconds',
    min: 60_000,
    meaning: 'How long an upload lives without a byte before it is forgotten.',
  },
  'limits.headerBytes': {
    type: 'bytes',
    default: '16KiB',
    unit: 'bytes',
    min: 4096,
    max: 1_048_576,
    meaning: 'Greatest request head, all header fields together.',
  },
  'limits.slowClient': {
    type: 'duration',
    default: '60s',
    unit: 'milliseconds',
    min: 1000,
    meaning: 'A connection on which no byte has moved for this long in the middle of a request is ended.',
  },
  'limits.bodyRate': {
    type: 'bytes',
    default: '256B',
    unit: 'bytes per second',
    max: 1_048_576,
    meaning:
      'Slowest request body: a connection that brings less, on average over limits.slowClient, is ended. 0 is no bound.',
  },
  'limits.connections': {
    type: 'integer',
    default: '10000',
    unit: 'connections',
    min: 10,
    max: 1_000_000,
    meaning: 'How many connections each listener holds at a time; more are closed at once.',
  },
  'limits.rates': {
    type: 'text',
    default: 'off',
    unit: 'off, tier, or a factor such as 0.5 or 2',
    check: parseRateFactor,
    meaning:
      'Bounds on requests per minute: `tier` is what Azure Container Registry allows a registry of the same tier and each identity on it, a number multiplies that. What is beyond is answered with 429 and a Retry-After that counts down. Each server process counts for itself.',
  },
  'cache.memory': {
    type: 'bytes',
    default: '112MiB',
    unit: 'bytes',
    min: 1 << 20,
    meaning:
      'About how much memory the caches of a thread that serves may take in all: pages and results of the embedded database, manifests and small blobs, answers to pulls, refused requests. Less costs reads, never a promise.',
  },
  'tokens.accessLifetime': {
    type: 'duration',
    default: '75m',
    unit: 'milliseconds',
    min: 60_000,
    meaning: 'How long a registry access token is good.',
  },
  'tokens.refreshLifetime': {
    type: 'duration',
    default: '3h',
    unit: 'milliseconds',
    min: 60_000,
    meaning: 'How long a registry refresh token is good.',
  },
  'tokens.keyRotation': {
    type: 'duration',
    default: '30d',
    unit: 'milliseconds',
    min: 172_800_000,
    meaning:
      'How long after a signing key the next one is made, for registry tokens and for those of the identity provider. It is published for a day before it signs, and the one before verifies until the last of its tokens has ended.',
  },
  'directory.accessLifetime': {
    type: 'duration',
    default: '75m',
    unit: 'milliseconds',
    min: 300_000,
    max: 86_400_000,
    meaning: 'How long an access token of the identity provider is good.',
  },
  'directory.refreshLifetime': {
    type: 'duration',
    default: '90d',
    unit: 'milliseconds',
    min: 3_600_000,
    meaning: 'How long a client may stay away before its user has to sign in again.',
  },
  'directory.sessionLifetime': {
    type: 'duration',
    default: '365d',
    unit: 'milliseconds',
    min: 3_600_000,
    meaning: 'How long after signing in a user has to sign in again in any case.',
  },
  'collect.blobLease': {
    type: 'duration',
    default: '24h',
    unit: 'milliseconds',
    min: 60_000,
    meaning: 'How long a blob without a manifest is kept after a push or an existence check.',
  },
  'fsck.rate': {
    type: 'bytes',
    default: '64MiB',
    unit: 'bytes a second',
    meaning: 'How fast `berth fsck` reads when it is not told; 0 is as fast as it goes.',
  },
  'scrub.rate': {
    type: 'bytes',
    default: '4MiB',
    unit: 'bytes a second',
    meaning:
      'How fast stored bytes are held against their digests in the background; a quarter of it while requests are answered. 0 turns that off.',
  },
  'scrub.period': {
    type: 'duration',
    default: '30d',
    unit: 'milliseconds',
    min: 3_600_000,
    meaning: 'How long after the begin of one check of everything the next scrub begins.',
  },
  'log.level': {
    type: 'choice',
    default: 'info',
    unit: null,
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
    meaning: 'Least severity that is logged.',
  },
  'log.access': {
    type: 'boolean',
    default: 'true',
    unit: null,
    meaning: 'One log line per request.',
  },
  'shutdown.grace': {
    type: 'duration',
    default: '30s',
    unit: 'milliseconds',
    min: 0,
    meaning: 'How long running requests may take to finish once a stop is asked for.',
  },
} as const satisfies Readonly<Record<string, KeyDefinition>>;

type Table = typeof configKeys;
/** Name of a key, for instance `http.listen`. */
export type ConfigKey = keyof Table;

type Value<D extends KeyDefinition> = D['type'] extends 'address'
  ? ListenAddress | null
  : D['type'] extends 'addresses'
    ? readonly ListenAddress[]
    : D['type'] extends 'duration' | 'bytes' | 'integer'
      ? number
      : D['type'] extends 'boolean'
        ? boolean
        : D extends { readonly choices: readonly (infer C)[] }
          ? C
          : D['type'] extends 'secret'
            ? Secret | null
            : D['default'] extends null
              ? string | null
              : string;

type Top<K> = K extends `${infer Section}.${string}` ? Section : K;
type Below<K, S extends string> = K extends `${S}.${infer Name}` ? Name : never;

/**
 * The configuration as the program sees it, frozen: `config.http.listen`, `config.limits.manifestBytes`. Durations are
 * milliseconds. A listener that is off is null, or an empty list where there may be several.
 */
export type Config = { readonly data: string } & {
  readonly [K in Exclude<ConfigKey, 'data'> as Top<K>]: K extends `${infer S}.${string}`
    ? { readonly [N in Below<ConfigKey, S>]: Value<Table[`${S}.${N}` & ConfigKey]> }
    : Value<Table[K]>;
};

function following(port: number): number[] {
  return Array.from({ length: 20 }, (_, index) => port + 1 + index);
}

function checkDatabaseUrl(text: string): void {
  if (!/^postgres(?:ql)?:\/\/./.test(text) || !URL.canParse(text)) {
    throw new StartRefusal('the value is not a postgres:// address');
  }
}

function checkRegionName(text: string): void {
  if (!/^[a-z][a-z0-9]{4,29}$/.test(text)) {
    throw new StartRefusal(`"${text}" is not a region name: 5 to 30 lower-case letters and digits, a letter first`);
  }
}
