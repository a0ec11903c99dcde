import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { locatePython } from '../../tools/clients/locate.ts';
import { until } from '../start/_program.ts';
import type { Az } from './_az.ts';

/** A command of az that waits for somebody. */
export interface RunningCommand extends AsyncDisposable {
  /** Waits until it has printed something of this form. */
  says(form: RegExp): Promise<RegExpExecArray>;
  exit(): Promise<number>;
}

export function startCommand(az: Az, line: string): RunningCommand {
  const child = spawn(locatePython('az') ?? 'az', line.split(' '), { env: az.env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  }
  const ended = once(child, 'close').then(([code]: unknown[]) => Number(code ?? -1));
  return {
    says: (form) =>
      until(`az ${line} to print ${form}`, () => {
        const found = form.exec(said);
        if (found === null && child.exitCode !== null)
          throw new Error(`az ${line} ended with ${child.exitCode}\n${said}`);
        return found ?? undefined;
      }),
    async exit() {
      const code = await ended;
      if (code !== 0) throw new Error(`az ${line} ended with ${code}\n${said}`);
      return code;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}
