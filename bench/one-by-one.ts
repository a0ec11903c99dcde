import { readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Endpoint } from './contenders.ts';
import { prepareLoad } from './load.ts';
import { timed } from './measure.ts';
import type { Work } from './work.ts';

/** Requests that are too slow end a measurement before all are through. */
const mostSeconds = 3;
const logWithinMs = 10_000;

/** A line of the access log, as far as the bench reads it. */
export interface AccessLine {
  readonly path?: string;
  readonly operation?: string;
  readonly status?: number;
  readonly ms?: number;
}

/** Requests that are asked one after the other on one connection. */
export interface OneByOne {
  readonly tokens: Readonly<Record<string, string>>;
  readonly work: Work;
  readonly requests: number;
  /** The access log of the server, and which of its lines are those of these requests. */
  readonly log: string;
  readonly isOne: (line: AccessLine) => boolean;
  readonly signal: AbortSignal;
  /** The host that the requests are for, where it is not the address. */
  readonly hostName?: string;
}

/** Server time of requests: CPU of the whole process tree for each, and each one's `ms` in the access log. */
export async function measureOneByOne(
  endpoint: Endpoint,
  { tokens, work, requests, log, isOne, signal, hostName }: OneByOne,
): Promise<{ cpuMs: number; logMs: number[] }> {
  const { host, port, ca } = endpoint;
  const from = statSync(log).size;
  await using load = await prepareLoad(
    {
      target: { host, port, ca, name: hostName },
      connections: 1,
      seconds: mostSeconds,
      maxOperations: requests,
      tokens,
      work,
    },
    AbortSignal.any([signal, AbortSignal.timeout(90_000)]),
  );
  const { cpuSeconds, result } = await timed(endpoint, () => load.run());
  const { operations } = result;
  return { cpuMs: (cpuSeconds * 1000) / operations, logMs: await loggedMs(log, { from, isOne, count: operations }) };
}

/** The `ms` of those lines that were logged behind `from` bytes; the log is written a second late. */
export async function loggedMs(
  log: string,
  { from, isOne, count }: { from: number; isOne: (line: AccessLine) => boolean; count: number },
): Promise<number[]> {
  const deadline = performance.now() + logWithinMs;
  for (;;) {
    const lines = readFileSync(log).subarray(from).toString('utf8').split('\n').slice(0, -1);
    const found = lines.map((line) => JSON.parse(line) as AccessLine).filter(isOne);
    if (found.length >= count) return found.map(({ ms }) => ms ?? Number.NaN);
    if (performance.now() > deadline)
      throw new Error(`the access log tells of ${found.length} requests, not of ${count}`);
    await delay(100);
  }
}
