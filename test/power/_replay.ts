import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type DiskNode,
  newNode,
  type Survivor,
  type VolatileDisk,
  volatileDisk,
} from '../../src/adapters/blob-fs/_volatile-disk.ts';
import type { Call } from './_trace.ts';

/** Something that happens while a trace is played again: at `at`, the place in the trace, `run` changes the disk. */
interface Step {
  readonly at: number;
  /** A sync that begins changes nothing yet. */
  readonly kind: 'change' | 'begin' | 'sync';
  readonly label: string;
  run(): void;
}

/** A recorded data folder that can be put back as it was after any of its changes. */
export interface Replay {
  /** Places in the trace after which the disk was another one, in order; syncs are those that made something durable. */
  readonly points: readonly { readonly at: number; readonly kind: Step['kind']; readonly label: string }[];
  /** Writes the folder as a cut just after `at` may leave it. */
  restore(at: number, survivor: Survivor, folder: string): Promise<void>;
}

/** Locks, sockets and the index of the log are made anew by each process; the index is shared memory and not in the trace. */
const transient = /\/(?:berth\.db-shm|berth\.sock|lock|lock-journal|lock\.pid)$/;

/** Reads what `calls` did below `data`, which did not exist before. */
export function replayOf(calls: readonly Call[], data: string): Replay {
  const begin = () => {
    const disk = volatileDisk(dirname(data));
    return { disk, steps: stepsOf(calls, data, disk), next: 0 };
  };
  let player = begin();
  /** A disk goes forward only; an earlier place is reached from the beginning. */
  const diskAt = (at: number): VolatileDisk => {
    if ((player.steps[player.next - 1]?.at ?? 0) > at) player = begin();
    const { disk, steps } = player;
    for (let step = steps[player.next]; step && step.at <= at; step = steps[++player.next]) step.run();
    return disk;
  };
  return {
    points: player.steps
      .filter(({ kind, label }) => kind !== 'begin' && !transient.test(label))
      .map(({ at, kind, label }) => ({ at, kind, label })),
    async restore(at, survivor, folder) {
      const left = [...diskAt(at).afterCut(survivor).contents()].sort(([one], [other]) => (one < other ? -1 : 1));
      for (const [path, bytes] of left) {
        if (path === dirname(data) || transient.test(path)) continue;
        const target = join(folder, path.slice(data.length));
        if (bytes === null) await mkdir(target, { mode: 0o700, recursive: true });
        else await writeFile(target, bytes, { mode: 0o600 });
      }
    },
  };
}

function stepsOf(calls: readonly Call[], data: string, disk: VolatileDisk): Step[] {
  const steps: Step[] = [];
  // The folder above counts, too: a sync of it makes the name of the data folder durable.
  const isMine = (path: string) => path === data || path === dirname(data) || path.startsWith(`${data}/`);
  for (const call of calls) {
    const [first, second] = call.args;
    const target = first?.target ?? '';
    const paths = call.args.map((argument) => argument.bytes.toString()).filter(isMine);
    const onDescriptor = isMine(target);
    if (!onDescriptor && paths.length === 0) continue;
    const label = `${call.name} ${(paths[0] ?? target).slice(data.length) || '.'}`;
    const change = (run: () => void) => steps.push({ at: call.end, kind: 'change', label, run });
    const numberAt = (index: number) => Number(call.args[index]?.plain);
    const [path = '', to = ''] = paths;
    switch (call.name) {
      case 'openat':
        if (/\bO_CREAT\b|\bO_TRUNC\b/.test(call.args[2]?.plain ?? '')) {
          change(() => {
            if (!disk.find(path)) disk.link(path, newNode(false));
            else if (call.args[2]?.plain.includes('O_TRUNC')) disk.truncate(nodeAt(disk, path), 0);
          });
        }
        break;
      case 'pwrite64':
        change(() => disk.write(nodeAt(disk, target), numberAt(3), [second?.bytes ?? Buffer.alloc(0)]));
        break;
      case 'pwritev':
        change(() =>
          disk.write(nodeAt(disk, target), numberAt(3), [
            (second?.bytes ?? Buffer.alloc(0)).subarray(0, Number(call.result)),
          ]),
        );
        break;
      case 'write':
        // Small files are written once, from their beginning to their end.
        change(() => {
          const node = nodeAt(disk, target);
          disk.write(node, node.bytes.length, [second?.bytes ?? Buffer.alloc(0)]);
        });
        break;
      case 'ftruncate':
        change(() => disk.truncate(nodeAt(disk, target), numberAt(1)));
        break;
      case 'mkdir':
        change(() => disk.link(path, newNode(true)));
        break;
      case 'rename':
        change(() => disk.rename(path, to));
        break;
      case 'unlink':
        change(() => disk.unlink(path));
        break;
      case 'fsync':
      case 'fdatasync': {
        let end: (() => void) | undefined;
        steps.push({
          at: call.begin,
          kind: 'begin',
          label,
          run: () => {
            const node = nodeAt(disk, target);
            end = disk.beginSync(node.isDirectory ? { directory: target } : node);
          },
        });
        steps.push({ at: call.end, kind: 'sync', label, run: () => end?.() });
        break;
      }
      default:
        throw new Error(`the replay does not know ${label}`);
    }
  }
  // A call that begins and ends on one line is begun first: sorting keeps the order.
  return steps.sort((one, other) => one.at - other.at);
}

function nodeAt(disk: VolatileDisk, path: string): DiskNode {
  const node = disk.find(path);
  if (!node) throw new Error(`${path} is not on the disk of the replay`);
  return node;
}
