import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { clientsPath, locate } from '../../tools/clients/locate.ts';
import { stop, tail } from './_process.ts';

const startTimeoutMs = 60_000;
const graceMs = 20_000;

export interface DaemonOptions {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** True once the daemon takes requests. */
  ready(): Promise<boolean>;
}

/** Starts a client's engine and waits until it is ready. Throws with what it printed when it ends or is late. */
export async function startDaemon(name: string, options: DaemonOptions): Promise<AsyncDisposable> {
  const program = locate(name);
  if (program === undefined) throw new Error(`${name} is not installed`);
  const child = spawn(program, options.args, {
    env: { PATH: clientsPath(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = tail(child);
  const end = async () => {
    await stop(child, graceMs);
  };
  const deadline = Date.now() + startTimeoutMs;
  while (!(await options.ready())) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || Date.now() > deadline) {
      await end();
      throw new Error(`${name} ${ended ? 'ended' : 'is not ready'}\n--- ${name}\n${log()}`);
    }
    await pause(50);
  }
  return { [Symbol.asyncDispose]: end };
}
