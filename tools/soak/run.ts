import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openDoor } from '../../test/load/_door.ts';
import { type MixedLoad, startMixedLoad } from '../../test/load/_mixed-load.ts';
import { random } from '../../test/load/_random.ts';
import { signIn } from '../../test/load/_sign-in.ts';
import { openSite, type Site } from '../../test/load/_site.ts';
import { stock } from '../../test/load/_stock.ts';
import { resumeUpload } from '../../test/load/_uploads.ts';
import { verify } from '../../test/load/_verify.ts';
import { anyPorts, openScratch, type Ready, until } from '../../test/start/_program.ts';
import { inspectorAddress, openInspector } from './inspector.ts';
import { countFiles, type Measure, openReadings, type Readings, type Subject, trendText } from './measures.ts';
import type { Trend } from './trend.ts';

export interface SoakOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface SoakResult {
  readonly seconds: number;
  readonly seed: number;
  readonly operations: number;
  readonly tokens: { readonly tokens: number; readonly refreshed: number };
  /** Readings on which the lines were fitted: those after the warm-up. */
  readonly samples: number;
  readonly trends: Readonly<Record<Measure, Trend>>;
  readonly readings: Readonly<Record<Measure, readonly number[]>>;
  readonly problems: readonly string[];
}

/** Readings after the warm-up, on which the line is fitted. */
const leastSamples = 100;
/** Full collections cost the server a moment each; more often than this they would be the load. */
const shortestIntervalMs = 1000;
const longestIntervalMs = 2000;
/** Caches and code fill up first; the line is fitted to what comes after this share of the time. */
const warmUpShare = 0.4;
const repositories = ['load/a', 'load/b', 'load/c'];
const workersPerDoor = 5;
const perSecondAndDoor = 20;
/** A machine on which less is done than this is too busy for the soak to show anything. */
const fewestPerSecond = 5;
/** Repositories that come and go have one of so many names. */
const scratchNames = 40;
/**
 * The least there is, so that caches are full before the first reading and what still grows after it is no cache: at 4 MiB
 * the share of the bodies took longer than ten minutes to fill.
 */
const cacheMemory = '1MiB';
const settings = [
  '--cache-memory',
  cacheMemory,
  '--tokens-access-lifetime',
  '60s',
  '--log-level',
  'warn',
  '--log-access',
  'false',
];

/**
 * Mixed load at a bounded rate on a server of its own, over plain connections and TLS, on contents that come again and
 * again, so that after a while nothing has a reason to grow. Samples memory, handles and files meanwhile. At the end the
 * sessions are finished, everything is read back, and nothing may be staged any more.
 */
export async function soakRun({ seconds, seed, say }: SoakOptions): Promise<SoakResult> {
  await using scratch = await openScratch();
  const temporaryFolder = join(scratch.folder, 'tmp');
  await mkdir(temporaryFolder);
  const server = scratch.up([...anyPorts, ...settings], {
    env: { TMPDIR: temporaryFolder, NODE_OPTIONS: '--inspect=127.0.0.1:0' },
  });
  const ready = await server.ready();
  const address = await until('the address of the inspector', () => inspectorAddress(server.stderr()));
  const inspector = await openInspector(address);
  const subject = { pid: ready.pid, inspector, stagedFolder: join(scratch.data, 'blobs', 'staged'), temporaryFolder };

  const sites = await openSites(ready, seed);
  const loads = startLoads(sites);
  const readings = openReadings();
  await sampleFor(seconds, readings, subject, say);
  await Promise.all(loads.map((load) => load.stop()));

  const problems = loads.flatMap((load) => load.errors);
  problems.push(...(await settle(sites[0])));
  const left = await countFiles(subject.stagedFolder);
  if (left > 0) problems.push(`${left} files are staged though no upload is open`);
  for (const { door } of sites) door.close();
  // A Node that somebody inspects waits at its end.
  inspector.close();
  const { code } = await server.stop();
  if (code !== 0) problems.push(`the stop ended with ${code}`);
  problems.push(...logLines(server.stderr()));

  const trends = readings.trends(seconds * warmUpShare);
  for (const [name, trend] of Object.entries(trends) as [Measure, Trend][]) {
    if (trend.rises) problems.push(`${name} rises: ${trendText(name, trend)}`);
  }
  const { samples } = trends.threads;
  if (samples < leastSamples)
    problems.push(`${samples} samples after the warm-up; at least ${leastSamples} are needed`);
  const operations = loads.flatMap((load) => [...load.done.values()]).reduce((sum, count) => sum + count, 0);
  if (operations < seconds * fewestPerSecond) problems.push(`${operations} operations are no load`);
  const tokens = sites[0].signIn.issued();
  return { seconds, seed, operations, tokens, samples, trends, readings: readings.values(), problems };
}

/** One site twice: through the plain listener and through TLS. */
async function openSites(ready: Ready, seed: number): Promise<[Site, Site]> {
  const { username = '', password = '' } = ready;
  const choices = random(seed);
  const tls = { ca: await readFile(ready.caFile, 'utf8'), name: ready.registry.loginServer };
  const plain = openSite({
    repositories,
    random: choices,
    stock: stock(seed),
    door: openDoor({ address: ready.loginServer, random: choices }),
    signIn: signIn({ username, password }, { random: choices, lasting: repositories }),
    window: { first: 0, count: 150 },
  });
  const port = tls.name.split(':')[1] ?? '';
  return [plain, { ...plain, door: openDoor({ address: `127.0.0.1:${port}`, tls, random: choices }) }];
}

function startLoads(sites: readonly Site[]): MixedLoad[] {
  let serial = 0;
  return sites.map((site) =>
    startMixedLoad(site, {
      workers: workersPerDoor,
      perSecond: perSecondAndDoor,
      serial: () => ++serial % scratchNames,
      mayFail: () => false,
    }),
  );
}

async function sampleFor(
  seconds: number,
  readings: Readings,
  subject: Subject,
  say: (line: string) => void,
): Promise<void> {
  const started = performance.now();
  const wanted = (seconds * 1000 * (1 - warmUpShare)) / leastSamples;
  const interval = Math.min(longestIntervalMs, Math.max(shortestIntervalMs, wanted / 2));
  let toldAt = started;
  for (let next = started + interval; next <= started + seconds * 1000; next += interval) {
    await pause(Math.max(0, next - performance.now()));
    const now = performance.now();
    const line = await readings.take(subject, (now - started) / 1000);
    if (now - toldAt < 30_000) continue;
    toldAt = now;
    say(`${((now - started) / 1000).toFixed(0)} s: ${line}`);
  }
}

/** Ends the uploads that are open and reads everything back. */
async function settle(site: Site): Promise<string[]> {
  const problems: string[] = [];
  for (const session of site.sessions.values()) {
    try {
      await resumeUpload(site, session);
    } catch (error) {
      problems.push(`at the end: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return [...problems, ...(await verify(site, site.model.keys()))];
}

/** Lines of the server's log; at its level each of them is a warning or worse. What the inspector says is none. */
function logLines(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('{'));
}
