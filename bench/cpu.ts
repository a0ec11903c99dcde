import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Ticks per second of /proc/<pid>/stat; Linux fixes it at 100 for user space (time(7), USER_HZ). */
const ticksPerSecond = 100;

/** A process as /proc tells of it. */
interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  /** CPU ticks of all its threads, plus those of its children that have ended and been waited for. */
  readonly ticks: number;
}

/** CPU-seconds used so far by the processes `roots` and everything below them: user and system, all threads. */
export function treeCpuSeconds(roots: readonly number[]): number {
  return treeOf(roots).reduce((ticks, each) => ticks + each.ticks, 0) / ticksPerSecond;
}

/** The processes `roots` and everything below them; none for no roots. Throws when none of them is alive. */
export function treeOf(roots: readonly number[]): ProcessTimes[] {
  const children = new Map<number, ProcessTimes[]>();
  const byPid = new Map<number, ProcessTimes>();
  for (const entry of readdirSync('/proc')) {
    const times = /^\d+$/.test(entry) ? readTimes(Number(entry)) : undefined;
    if (times === undefined) continue;
    byPid.set(times.pid, times);
    children.set(times.parent, [...(children.get(times.parent) ?? []), times]);
  }
  const found = new Map<number, ProcessTimes>();
  const pending = [...roots];
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    const times = byPid.get(pid);
    if (times === undefined || found.has(pid)) continue;
    found.set(pid, times);
    for (const child of children.get(pid) ?? []) pending.push(child.pid);
  }
  if (found.size === 0 && roots.length > 0) {
    throw new Error(`no process of ${roots.join(', ')} is alive; the server has ended`);
  }
  return [...found.values()];
}

/**
 * Like `treeCpuSeconds`, after the tree has been idle for 100 ms (at most 2 s): what a server does just behind its
 * answers (garbage collection, deferred commits, exports) is part of their price.
 */
export async function settledCpuSeconds(roots: readonly number[]): Promise<number> {
  let last = treeCpuSeconds(roots);
  for (let turn = 0; turn < 20; turn++) {
    await delay(100);
    const now = treeCpuSeconds(roots);
    if (now - last < 1.5 / ticksPerSecond) return now;
    last = now;
  }
  return last;
}

/** CPU-seconds of this process's own children that have ended. */
export function endedChildrenCpuSeconds(): number {
  const fields = statFields(process.pid);
  return fields === undefined ? 0 : (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
}

function readTimes(pid: number): ProcessTimes | undefined {
  const fields = statFields(pid);
  if (fields === undefined) return undefined;
  const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
  return { pid, parent: Number(fields[1]), ticks };
}

/** Fields of proc_pid_stat(5) from the third on (state is 0, ppid 1, utime 11, stime 12, cutime 13, cstime 14). */
function statFields(pid: number): string[] | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    // A process may end between the listing and the reading.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}
