import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface RunOptions {
  /** Written to standard input, which is then closed. Secrets go here, never into arguments. */
  readonly input?: string;
  readonly cwd?: string;
  readonly timeoutMs?: number;
  /** Kills the program, as a user might, when it resolves. */
  readonly killWhen?: Promise<void>;
}

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const defaultTimeoutMs = 90_000;

/** Runs a program that must succeed. Throws with everything it printed when it does not, or exceeds its time. */
export async function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  options: RunOptions = {},
): Promise<Output> {
  const output = await finish(program, args, env, options);
  if (output.code !== 0) throw new Error(describeRun(program, args, output, `exit code ${output.code}`));
  return output;
}

/** Runs a program that must say no: any exit code but 0. Throws when it succeeds. */
export async function refused(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  options: RunOptions = {},
): Promise<Output> {
  const output = await finish(program, args, env, options);
  if (output.code === 0) throw new Error(describeRun(program, args, output, 'success, where a refusal was expected'));
  return output;
}

/** Ends a program that these tests started: SIGTERM, and SIGKILL when it does not listen. Returns its exit code. */
export async function stop(child: ChildProcess, graceMs: number): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(timer);
  }
  return child.exitCode;
}

/** Keeps the end of what a long-running program prints, for the message of a failing test. */
export function tail(child: ChildProcess, maxChars = 6_000): () => string {
  let text = '';
  const keep = (chunk: Buffer) => {
    text = (text + chunk.toString('utf8')).slice(-maxChars);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return () => text;
}

/** Runs a program to its end, whatever that is. Throws when it exceeds its time. */
export function finish(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  options: RunOptions = {},
): Promise<Output> {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env,
      stdio: 'pipe',
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    let stdout = '';
    let stderr = '';
    let late = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    // A program that refuses before it reads its input closes the pipe: its exit code tells the story.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    options.killWhen?.then(() => child.kill('SIGKILL'), reject);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      const output = { code: code ?? -1, stdout, stderr };
      if (late) reject(new Error(describeRun(program, args, output, `no end within ${timeoutMs} ms`)));
      else resolve(output);
    });
  });
}

function describeRun(program: string, args: readonly string[], output: Output, outcome: string): string {
  return [
    `${outcome}: ${program} ${args.join(' ')}`,
    `--- stdout\n${output.stdout.trimEnd()}`,
    `--- stderr\n${output.stderr.trimEnd()}`,
  ].join('\n');
}
