import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Target } from './connection.ts';
import type { Work } from './work.ts';

/** One measurement's load: `connections` loops over `work` until `seconds` have passed or `maxOperations` are done. */
export interface LoadJob {
  readonly target: Target;
  readonly connections: number;
  readonly seconds: number;
  readonly maxOperations: number;
  /** Bearer token per repository; empty for anonymous access. */
  readonly tokens: Readonly<Record<string, string>>;
  readonly work: Work;
}

/** What a generator saw. Latencies are of whole operations, in milliseconds. */
export interface LoadResult {
  readonly operations: number;
  readonly bytes: number;
  readonly wallSeconds: number;
  readonly p50: number;
  readonly p99: number;
  /** CPU-seconds that the generator itself used: near `wallSeconds` means that it was the bottleneck. */
  readonly generatorCpuSeconds: number;
}

/** A load that stands ready: its content is made, and nothing has been sent. */
export interface PreparedLoad extends AsyncDisposable {
  run(): Promise<LoadResult>;
}

export type ToWorker = { readonly prepare: LoadJob } | { readonly go: true };
export type FromWorker = { readonly prepared: true } | { readonly result: LoadResult } | { readonly failed: string };

/** Starts a generator in a process of its own and waits until its content is made. Aborting the signal ends it. */
export async function prepareLoad(job: LoadJob, signal: AbortSignal): Promise<PreparedLoad> {
  const child = fork(new URL('./load-worker.ts', import.meta.url), { signal, killSignal: 'SIGKILL', detached: true });
  // Abort and spawn errors reach the caller through the exit event and the next answer.
  child.on('error', () => child.kill('SIGKILL'));
  const close = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  try {
    await ask(child, { prepare: job }, 'prepared');
  } catch (error) {
    await close();
    throw error;
  }
  return {
    run: async () => (await ask(child, { go: true }, 'result')).result,
    [Symbol.asyncDispose]: close,
  };
}

function ask<Key extends 'prepared' | 'result'>(
  child: ChildProcess,
  message: ToWorker,
  key: Key,
): Promise<Extract<FromWorker, Record<Key, unknown>>> {
  return new Promise((resolve, reject) => {
    const onMessage = (answer: FromWorker): void => {
      child.off('exit', onExit);
      if (key in answer) resolve(answer as Extract<FromWorker, Record<Key, unknown>>);
      else reject(new Error('failed' in answer ? answer.failed : `the load generator answered out of turn`));
    };
    const onExit = (code: number | null, signal: string | null): void => {
      child.off('message', onMessage);
      reject(new Error(`the load generator ended (${signal ?? `code ${code}`})`));
    };
    child.once('message', onMessage);
    child.once('exit', onExit);
    child.send(message);
  });
}

/** What generators that ran side by side saw together. Percentiles are the worst of any of them. */
export function mergeResults(results: readonly LoadResult[]): LoadResult {
  const sum = (key: 'operations' | 'bytes' | 'generatorCpuSeconds'): number =>
    results.reduce((total, result) => total + result[key], 0);
  const worst = (key: 'wallSeconds' | 'p50' | 'p99'): number => Math.max(...results.map((result) => result[key]));
  return {
    operations: sum('operations'),
    bytes: sum('bytes'),
    wallSeconds: worst('wallSeconds'),
    p50: worst('p50'),
    p99: worst('p99'),
    generatorCpuSeconds: sum('generatorCpuSeconds'),
  };
}
