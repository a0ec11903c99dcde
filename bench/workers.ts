import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startBerth } from './berth.ts';
import { upFlags } from './berth-program.ts';
import type { Contender } from './contenders.ts';

/** Two Berths, each with a folder of its own: the one with two workers first. */
export interface WorkerPair extends AsyncDisposable {
  readonly contenders: readonly [Contender, Contender];
}

/** Starts the sides of the workers row below `folder`, or answers why there are none. */
export async function startWorkerPair(folder: string): Promise<WorkerPair | { readonly skipped: string }> {
  if (!(await upFlags()).has('--workers')) return { skipped: '`berth up` of this tree has no flag --workers' };
  await using stack = new AsyncDisposableStack();
  const start = async (name: 'berth-2-workers' | 'berth-1-worker', workers: number): Promise<Contender> => {
    const home = join(folder, name);
    await mkdir(home);
    return stack.use(await startBerth({ name, folder: home, args: ['--workers', String(workers)] }));
  };
  const contenders = [await start('berth-2-workers', 2), await start('berth-1-worker', 1)] as const;
  const running = stack.move();
  return { contenders, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
