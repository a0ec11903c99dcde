import type { Endpoint } from './contenders.ts';
import { prepareLoad } from './load.ts';
import { timed } from './measure.ts';
import type { Work } from './work.ts';

/** Requests that are too slow end a measurement before all are through. */
const mostSeconds = 10;

/** CPU-milliseconds of the server's whole process tree for each request of a load of `count`. */
export async function cpuPerRequest(
  endpoint: Endpoint,
  load: {
    readonly tokens: Readonly<Record<string, string>>;
    readonly work: Work;
    readonly connections: number;
    readonly count: number;
    readonly signal: AbortSignal;
  },
): Promise<number> {
  const { host, port, ca } = endpoint;
  const { tokens, work, connections, count } = load;
  await using prepared = await prepareLoad(
    { target: { host, port, ca }, connections, seconds: mostSeconds, maxOperations: count, tokens, work },
    AbortSignal.any([load.signal, AbortSignal.timeout(90_000)]),
  );
  const { cpuSeconds, result } = await timed(endpoint, () => prepared.run());
  return (cpuSeconds * 1000) / result.operations;
}
