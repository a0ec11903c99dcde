import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadedConfig } from '../config.ts';
import { parseAddresses } from '../config-values.ts';
import { askServer } from '../management-client.ts';
import { StartRefusal } from '../start-refusal.ts';
import { checkAuthority, checkServed } from './certificates.ts';
import { checkDateHeader, checkFileClock } from './clock.ts';
import { checkDescriptors, checkDisk, type DiskMeter, diskMeter, readLimits } from './disk.ts';
import { checkDocker, checkPodman } from './engines.ts';
import { type Finding, fail, ok, problemOf, skipped, warn } from './finding.ts';
import { checkFolder } from './folder.ts';
import { checkFront } from './front.ts';
import { frontClient } from './front-client.ts';
import { checkNames, type Resolve, systemResolve } from './names.ts';
import { checkFreePorts, checkListeners, type PlacedListener, type WantedListener } from './ports.ts';
import { checkProxyEnvironment } from './proxy-environment.ts';

/** What the doctor is asked, and the world it looks at. */
export interface DoctorOptions {
  readonly loaded: LoadedConfig;
  /** Version of this program. */
  readonly version: string;
  /** The address that clients use, when something stands in front. */
  readonly url: string | null;
  /** Further authorities to trust for `url`, PEM. */
  readonly authorities: readonly string[];
  /** Bodies to try through `url`, bytes, growing. */
  readonly bodySizes: readonly number[];
  /** Also looks how long the proxy waits, seconds; null leaves it out. */
  readonly slowSeconds: number | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now?: () => number;
  readonly meter?: DiskMeter;
  readonly resolve?: Resolve;
  /** Root of the file system that the engines' settings are read from. */
  readonly root?: string;
}

/** What `GET /status` of the management socket says that the doctor needs. */
interface Status {
  readonly pid: number;
  readonly version: string;
  readonly caFile: string;
  readonly loginServer: string;
  readonly registry: { readonly loginServer: string };
  readonly listeners: readonly PlacedListener[];
}

const mostNames = 20;

/** Runs every check that can be run. Nothing is changed; what is written to measure goes again. */
export async function examine(options: DoctorOptions): Promise<Finding[]> {
  const { loaded } = options;
  const { config } = loaded;
  const now = options.now ?? Date.now;
  const folder = await checkFolder(config.data);
  const disk = folder.state === 'fail' ? [] : await checkDisks(config.data, options.meter ?? diskMeter);
  const clock = folder.state === 'fail' ? [] : [await checkFileClock(config.data, now)];
  const local = [folder, ...disk, ...clock];

  let status: Status;
  try {
    status = (await askServer(config.data, 'GET', '/status')) as unknown as Status;
  } catch (error) {
    if (!(error instanceof StartRefusal)) throw error;
    return [
      ...local,
      fail('server', error.message, 'berth up'),
      ...(await checkFreePorts(wantedListeners(loaded))),
      skipped('the rest', 'needs the running server'),
    ];
  }
  const operator = (method: string, path: string, body?: unknown) => askServer(config.data, method, path, body);
  const running = await runningValues(operator);
  const domain = running.get('domain')?.value ?? config.domain;
  const { registries } = (await operator('GET', '/registries')) as { registries: { loginServer: string }[] };
  const hosts = registries.slice(0, mostNames).map(({ loginServer }) => loginServer.replace(/:[0-9]+$/, ''));
  const caPem = await readFile(status.caFile, 'utf8');
  const plain = status.listeners.find((one) => one.name === 'http');
  const plainServer = plain === undefined ? null : `localhost:${plain.port}`;
  const engine = {
    loginServer: status.registry.loginServer,
    plainServer,
    caPem,
    caFile: status.caFile,
    env: options.env,
    root: options.root ?? '/',
  };
  return [
    ...local,
    checkVersion(status, options.version),
    await checkDatabase(operator),
    checkDescriptors(await readLimits(status.pid), Number(running.get('limits.connections')?.value)),
    ...(await checkListeners(status.listeners, movable(running))),
    ...(await checkNames(hosts, { resolve: options.resolve ?? systemResolve, domain, plainServer })),
    checkAuthority(caPem, now()),
    ...(await checkCertificates(status, hosts, caPem, now())),
    checkProxyEnvironment(options.env, ['localhost', ...hosts]),
    ...(await checkDocker(engine)),
    await checkPodman(engine),
    ...(await checkPublic(options, { operator, domain, authorities: [caPem, ...options.authorities], now })),
  ];
}

/** Findings in lines for a terminal: state, name, what was found, and below it the cure. */
export function report(findings: readonly Finding[]): string[] {
  const words = { ok: 'ok', warn: 'WARN', fail: 'FAIL', skipped: '-' };
  const width = Math.min(40, Math.max(...findings.map(({ name }) => name.length)));
  return findings.flatMap(({ name, state, found, cure }) => [
    `${words[state].padEnd(5)} ${name.padEnd(width)}  ${found}`,
    ...(cure === null ? [] : [`${' '.repeat(width + 8)}cure: ${cure}`]),
  ]);
}

function checkVersion(status: Status, version: string): Finding {
  const found = `pid ${status.pid}, version ${status.version}`;
  return status.version === version
    ? ok('server', found)
    : warn('server', `${found}, and this program is ${version}`, 'start the server again to have the new version');
}

type Ask = (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>;

async function checkDatabase(operator: Ask): Promise<Finding> {
  try {
    await operator('GET', '/readyz');
    return ok('database', 'answers and can be written');
  } catch (error) {
    const cure = 'look at the log; for PostgreSQL at database.url and the server, for SQLite at the disk';
    return fail('database', problemOf(error), cure);
  }
}

async function checkDisks(data: string, meter: DiskMeter): Promise<Finding[]> {
  const findings = await checkDisk('the data folder', data, meter);
  const blobs = join(data, 'blobs');
  const device = (path: string) =>
    stat(path).then(
      (found) => found.dev,
      () => null,
    );
  const other = await device(blobs);
  return other === null || other === (await device(data))
    ? findings
    : [...findings, ...(await checkDisk('the blobs', blobs, meter))];
}

type RunningValues = ReadonlyMap<string, { readonly value: string; readonly source: string }>;

/** What the running server has for each key: some may have come by flags, which no file tells. */
async function runningValues(operator: Ask): Promise<RunningValues> {
  const { keys } = (await operator('GET', '/config')) as { keys: { key: string; value: string; source: string }[] };
  return new Map(keys.map((row) => [row.key, row]));
}

/** The listeners whose place nobody configured, and which stand elsewhere when that is taken. */
function movable(running: RunningValues): WantedListener[] {
  return (['http', 'https'] as const).flatMap((name) => {
    const row = running.get(`${name}.listen`);
    if (row?.source !== 'default') return [];
    return parseAddresses(row.value).map(({ host, port }) => ({ name, host, port, mayMove: true }));
  });
}

async function checkCertificates(
  status: Status,
  hosts: readonly string[],
  ca: string,
  now: number,
): Promise<Finding[]> {
  const listener = status.listeners.find((one) => one.name === 'https');
  if (!listener) return [skipped('certificates', 'the TLS listener is off')];
  const anyAddress: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const host = anyAddress[listener.host] ?? listener.host;
  const findings: Finding[] = [];
  for (const servername of hosts) {
    findings.push(await checkServed({ host, port: listener.port, servername, ca, now }));
  }
  return findings;
}

async function checkPublic(
  options: DoctorOptions,
  more: { operator: Ask; domain: string; authorities: readonly string[]; now: () => number },
): Promise<Finding[]> {
  const { url, bodySizes, slowSeconds } = options;
  if (url === null) return [skipped('proxy in front', 'give the address that clients use with --url')];
  const findings = await checkFront({ url, bodySizes, slowSeconds, ...more });
  if (findings[0]?.name === 'public address' && findings[0].state === 'fail') return findings;
  const { headers } = await frontClient(new URL(url), more.authorities).ask('GET', '/v2/');
  return [...findings, checkDateHeader(new URL(url).host, headers.date, more.now())];
}

function wantedListeners(loaded: LoadedConfig): WantedListener[] {
  const { http, https, ingress, management } = loaded.config;
  const all = [
    ['http', http.listen] as const,
    ...https.listen.map((address) => ['https', address] as const),
    ['ingress', ingress.listen] as const,
    ['management', management.listen] as const,
  ];
  return all.flatMap(([name, address]) =>
    address ? [{ name, host: address.host, port: address.port, mayMove: address.alternatePorts.length > 0 }] : [],
  );
}
