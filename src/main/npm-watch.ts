import { readFileSync } from 'node:fs';

/** Tells when the `npm start` above this process is gone. */
export interface NpmWatch {
  /** Calls `listener` once, also when npm was gone before. */
  onGone(listener: () => void): void;
  stop(): void;
}

/** A process above this one, and who started it. */
interface Link {
  readonly pid: number;
  readonly parent: number;
}

const intervalMs = 250;

/**
 * Watches the chain from this process up to npm: the launcher on an older Node, the shell that npm starts, npm. Killed
 * outright none of them passes a signal on, and nobody would wait for this process any more. Without npm, or without
 * /proc, it watches nothing.
 */
export function watchNpm(): NpmWatch {
  const chain = process.platform === 'linux' ? chainToNpm(process.env['npm_lifecycle_script']) : [];
  let gone = false;
  let tell: (() => void) | undefined;
  const timer = setInterval(() => {
    if (chain.every(({ pid, parent }) => parentOf(pid) === parent)) return;
    clearInterval(timer);
    gone = true;
    tell?.();
  }, intervalMs);
  timer.unref();
  if (chain.length === 0) clearInterval(timer);
  return {
    onGone(listener) {
      tell = listener;
      if (gone) listener();
    },
    stop: () => clearInterval(timer),
  };
}

/** Who started whom, from this process to npm. All that npm started carry its script; npm itself does not. */
function chainToNpm(script: string | undefined): Link[] {
  if (script === undefined) return [];
  const mark = `npm_lifecycle_script=${script}`;
  const chain: Link[] = [];
  let pid = process.pid;
  while (environmentOf(pid).includes(mark)) {
    const parent = parentOf(pid);
    if (parent === undefined) break;
    chain.push({ pid, parent });
    pid = parent;
  }
  return chain;
}

/** The variables of a process as it was started with; none when it is gone or another user's. */
function environmentOf(pid: number): string[] {
  return read(`/proc/${pid}/environ`)?.split('\0') ?? [];
}

/** Field 4 of /proc/<pid>/stat; the name before it may hold anything but ends with the last parenthesis. */
function parentOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process is gone, or not ours to look at.
    return undefined;
  }
}
