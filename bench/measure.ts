import { openConnection } from './connection.ts';
import type { Contender, Endpoint } from './contenders.ts';
import { settledCpuSeconds, treeCpuSeconds } from './cpu.ts';
import { type LoadResult, mergeResults, type PreparedLoad, prepareLoad } from './load.ts';
import { acceptHeader, registryClient } from './registry-client.ts';
import type { Row, Seed } from './rows.ts';
import { endpointTokens, type Tokens } from './tokens.ts';
import { runWrk } from './wrk.ts';

/** One contender, one row, one round. */
export interface Measurement {
  /** Operations per second, or MB per second. */
  readonly rate: number;
  /** CPU of the server's process tree, and of its database server's where it has one: milliseconds per operation, or seconds per GB. */
  readonly cpu: number;
  readonly cpuSeconds: number;
  /** The part of `cpuSeconds` that a database server of its own used; 0 where there is none. */
  readonly databaseCpuSeconds: number;
  readonly operations: number;
  readonly wallSeconds: number;
  /** Milliseconds of a whole operation. */
  readonly p50: number;
  readonly p99: number;
  /** Share of one core that the load generator used; near 1 means that it set the rate. */
  readonly generatorBusy: number;
}

/** A contender with a row's content in place. */
export interface ReadyRow {
  measure(seconds: number, signal: AbortSignal): Promise<Measurement>;
}

/** Seeds a row at a contender. */
export async function readyRow(row: Row, contender: Contender, wrk: boolean): Promise<ReadyRow> {
  const endpoint = contender.endpoints[row.tls ? 'tls' : row.peerAccess];
  endpoint.assertAlive();
  const tokens = await endpointTokens(endpoint);
  const seed = await row.seed(async (repositories) =>
    registryClient(openConnection(endpoint), await tokens.forRepositories(repositories)),
  );
  const load = wrk && row.wrk ? wrkLoad : generatorLoad;
  return {
    measure: async (seconds, signal) => {
      endpoint.assertAlive();
      const timing = await load({ row, seed, endpoint, tokens, seconds, signal });
      endpoint.assertAlive();
      return toMeasurement(row, timing);
    },
  };
}

interface LoadContext {
  readonly row: Row;
  readonly seed: Seed;
  readonly endpoint: Endpoint;
  readonly tokens: Tokens;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** A load and what it cost. */
interface Timed {
  readonly result: LoadResult;
  readonly cpuSeconds: number;
  readonly databaseCpuSeconds: number;
}

async function wrkLoad({ row, seed, endpoint, tokens, seconds, signal }: LoadContext): Promise<Timed> {
  if (seed.work.kind !== 'download') throw new Error(`row ${row.name} is not one that wrk can drive`);
  const { repository, path } = seed.work;
  const token = (await tokens.forRepositories(seed.repositories))[repository];
  const headers = { Accept: acceptHeader, ...(token !== undefined && { Authorization: `Bearer ${token}` }) };
  const url = `http://${endpoint.host}:${endpoint.port}/v2/${repository}/${path}`;
  return timed(endpoint, () => runWrk({ url, headers, connections: row.connections, seconds }, signal));
}

async function generatorLoad({ row, seed, endpoint, tokens, seconds, signal }: LoadContext): Promise<Timed> {
  const { host, port, ca } = endpoint;
  const generators = row.generators ?? 1;
  const job = {
    target: { host, port, ca },
    connections: row.connections / generators,
    seconds: row.operations === undefined ? seconds : Number.MAX_SAFE_INTEGER,
    maxOperations: row.operations ?? Math.ceil(row.maxPerSecond * seconds),
    tokens: await tokens.forRepositories(seed.repositories),
    work: seed.work,
  };
  await using stack = new AsyncDisposableStack();
  const loads: PreparedLoad[] = [];
  while (loads.length < generators) loads.push(stack.use(await prepareLoad(job, signal)));
  return await timed(endpoint, async () => mergeResults(await Promise.all(loads.map((load) => load.run()))));
}

/** Runs a load and counts the CPU of the server, and of its database server, until both have gone quiet. */
export async function timed(endpoint: Endpoint, run: () => Promise<LoadResult>): Promise<Timed> {
  const { processIds, databaseProcessIds } = endpoint;
  const roots = [...processIds, ...databaseProcessIds];
  const before = { all: treeCpuSeconds(roots), database: treeCpuSeconds(databaseProcessIds) };
  const result = await run();
  const cpuSeconds = (await settledCpuSeconds(roots)) - before.all;
  return { result, cpuSeconds, databaseCpuSeconds: treeCpuSeconds(databaseProcessIds) - before.database };
}

function toMeasurement(row: Row, { result, cpuSeconds, databaseCpuSeconds }: Timed): Measurement {
  const { operations, bytes, wallSeconds, p50, p99, generatorCpuSeconds } = result;
  if (operations === 0) throw new Error(`no operation of ${row.name} was completed in ${wallSeconds.toFixed(1)} s`);
  const [amount, cpu] =
    row.counted === 'bytes'
      ? [bytes / 1e6, cpuSeconds / (bytes / 1e9)]
      : [operations, (cpuSeconds * 1000) / operations];
  const generatorBusy = generatorCpuSeconds / wallSeconds / (row.generators ?? 1);
  const spent = { cpu, cpuSeconds, databaseCpuSeconds };
  return { rate: amount / wallSeconds, ...spent, operations, wallSeconds, p50, p99, generatorBusy };
}
