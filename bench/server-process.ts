import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** A server under measurement: its process and where its log goes. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number;
  /** The first line on stdout; rejects when the process ends before or `timeoutMs` passes. */
  firstLine(timeoutMs: number): Promise<string>;
  /** Throws, quoting the end of the log, when the process has ended. */
  assertAlive(): void;
  /** The last lines of the log, for messages. */
  logTail(): string;
}

const stopTimeoutMs = 10_000;

/**
 * Starts a server in a process group of its own, so that Ctrl-C reaches the bench alone and the bench stops its servers
 * in order. Disposal sends `stopSignal`, waits, and sends SIGKILL to the group after 10 s.
 */
export async function startServer(command: {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** Whom it runs as; otherwise as ourselves. */
  readonly owner?: { readonly uid?: number; readonly gid?: number };
  /** What asks it to end; otherwise SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
}): Promise<ServerProcess> {
  const log = openSync(command.logFile, 'a');
  const child = spawn(command.file, [...command.args], {
    cwd: command.cwd,
    env: command.env,
    stdio: ['ignore', 'pipe', log],
    detached: true,
    ...command.owner,
  });
  closeSync(log);
  await once(child, 'spawn');
  const { pid, stdout } = child;
  if (pid === undefined || stdout === null) throw new Error(`${command.file} has no process id or no output`);

  const lines = createInterface({ input: stdout });
  let first: string | undefined;
  const firstSeen = new Promise<string>((resolve) => {
    lines.on('line', (line) => {
      first ??= line;
      resolve(first);
    });
  });
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const logTail = (): string => readFileSync(command.logFile, 'utf8').split('\n').slice(-15).join('\n').trim();
  const endedError = (): Error => {
    const how = child.signalCode ?? `code ${child.exitCode}`;
    return new Error(`${command.file} ended (${how}); its log says:\n${logTail()}\n${first ?? ''}`);
  };

  return {
    pid,
    firstLine: async (timeoutMs) => {
      const timer = new AbortController();
      const { signal } = timer;
      try {
        return await Promise.race([
          firstSeen,
          once(child, 'exit', { signal }).then(() => Promise.reject(endedError())),
          once(AbortSignal.timeout(timeoutMs), 'abort', { signal }).then(() => {
            throw new Error(`${command.file} was not ready after ${timeoutMs} ms; its log says:\n${logTail()}`);
          }),
        ]);
      } finally {
        timer.abort();
      }
    },
    assertAlive: () => {
      if (ended()) throw endedError();
    },
    logTail,
    [Symbol.asyncDispose]: () => stop(child, { pid, ended, signal: command.stopSignal ?? 'SIGTERM' }),
  };
}

async function stop(
  child: ChildProcess,
  { pid, ended, signal }: { pid: number; ended: () => boolean; signal: NodeJS.Signals },
): Promise<void> {
  if (ended()) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => {
    console.error(`${child.spawnfile} (pid ${pid}) did not end ${stopTimeoutMs} ms after ${signal}; killing it`);
    process.kill(-pid, 'SIGKILL');
  }, stopTimeoutMs);
  await exited;
  clearTimeout(timer);
}
