import { openConnection } from './connection.ts';
import type { FromWorker, LoadJob, LoadResult, ToWorker } from './load.ts';
import { type RegistryClient, registryClient } from './registry-client.ts';
import { percentile } from './statistics.ts';
import { type Operation, prepareWork } from './work.ts';

/* The process of one load generator: told what to prepare, then told to go, then it reports. */

function send(message: FromWorker): void {
  process.send?.(message);
}

async function run(job: LoadJob, next: () => Operation | undefined): Promise<LoadResult> {
  const latencies: number[] = [];
  let bytes = 0;
  const stop = new AbortController();
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const deadline = start + job.seconds * 1000;

  const loop = async (client: RegistryClient): Promise<void> => {
    try {
      while (!stop.signal.aborted && performance.now() < deadline) {
        const operation = next();
        if (operation === undefined) return;
        const begun = performance.now();
        // Two steps: `bytes += await …` would read `bytes` before the wait and lose what other loops add meanwhile.
        const moved = await operation(client);
        bytes += moved;
        latencies.push(performance.now() - begun);
      }
    } catch (error) {
      stop.abort();
      throw error;
    } finally {
      client.close();
    }
  };
  const clients = Array.from({ length: job.connections }, () => registryClient(openConnection(job.target), job.tokens));
  await Promise.all(clients.map(loop));

  const wallSeconds = (performance.now() - start) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  latencies.sort((a, b) => a - b);
  return {
    operations: latencies.length,
    bytes,
    wallSeconds,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    generatorCpuSeconds: (cpu.user + cpu.system) / 1e6,
  };
}

let prepared: (() => Promise<LoadResult>) | undefined;

async function obey(message: ToWorker): Promise<void> {
  if ('prepare' in message) {
    const job = message.prepare;
    const next = prepareWork(job.work, job.maxOperations);
    prepared = () => run(job, next);
    send({ prepared: true });
    return;
  }
  if (prepared === undefined) throw new Error('told to go before anything was prepared');
  send({ result: await prepared() });
}

process.on('message', (message: ToWorker) => {
  obey(message).catch((error: unknown) => send({ failed: error instanceof Error ? error.message : String(error) }));
});
process.on('disconnect', () => process.exit(0));
