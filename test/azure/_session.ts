import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { locatePython } from '../../tools/clients/locate.ts';
import { type Output, tail } from '../clients/_process.ts';
import type { Az } from './_az.ts';

/**
 * The same az in one process for many commands: a command of az spends nearly all of its time on its own start. Lines and
 * words are as those of Az.
 */
export interface AzSession extends Pick<Az, 'run' | 'json' | 'tsv' | 'refused'>, AsyncDisposable {
  /** Runs a command, whatever it ends with. */
  finish(line: string, words?: readonly string[]): Promise<Output>;
}

export function openSession(az: Az): AzSession {
  const python = join(locatePython('az') ?? '', '..', 'python');
  const child = spawn(python, ['-I', join(import.meta.dirname, '_session.py')], { env: az.env, stdio: 'pipe' });
  const said = tail(child);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, 'close');
  // One that has ended tells so by its missing answer.
  child.stdin.on('error', () => {});
  let last: Promise<unknown> = Promise.resolve();

  const ask = async (words: readonly string[]): Promise<Output> => {
    child.stdin.write(`${JSON.stringify(words)}\n`);
    const answer = await answers.next();
    if (answer.done === true) throw new Error(`az ended in the middle of ${words.join(' ')}\n${said()}`);
    return JSON.parse(answer.value) as Output;
  };
  const finish: AzSession['finish'] = (line, words = []) => {
    const asked = last.then(() => ask([...line.split(' ').filter((word) => word !== ''), ...words]));
    last = asked.catch(() => undefined);
    return asked;
  };
  const run = async (line: string, words: readonly string[] = []): Promise<Output> => {
    const output = await finish(line, words);
    if (output.code !== 0) throw new Error(`az ${line} ended with ${output.code}\n${output.stdout}${output.stderr}`);
    return output;
  };
  return {
    finish,
    run,
    async json<T>(line: string, ...words: string[]) {
      const { stdout } = await run(line, [...words, '-o', 'json']);
      return (stdout.trim() === '' ? undefined : JSON.parse(stdout)) as T;
    },
    tsv: async (line, ...words) => (await run(line, [...words, '-o', 'tsv'])).stdout.replace(/\n$/, ''),
    async refused(line, ...words) {
      const output = await finish(line, words);
      if (output.code === 0) throw new Error(`az ${line} succeeded, where a refusal was expected\n${output.stdout}`);
      return output.stderr;
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}
