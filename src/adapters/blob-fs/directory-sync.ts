import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Returns when the names in a directory are on the disk as they were when the call began. */
export type DirectorySync = (path: string) => Promise<void>;

interface Lane {
  readonly running: Promise<void>;
  next: Promise<void> | undefined;
}

/**
 * Groups the syncs of a directory. A sync that runs may have begun before the caller's rename, so the caller waits for
 * the one after it, together with all who came meanwhile:
 *
 *   rename A ─ sync ═══════╗
 *        rename B ─ wait ──╫─ sync ═════╗
 *           rename C ─ wait┘            ╚ B and C return
 */
export function groupedDirectorySync(sync: DirectorySync = syncDirectory): DirectorySync {
  const lanes = new Map<string, Lane>();

  const start = (path: string): Promise<void> => {
    const lane: Lane = { running: sync(path), next: undefined };
    lanes.set(path, lane);
    const leave = () => {
      if (lanes.get(path) === lane) lanes.delete(path);
    };
    return lane.running.finally(leave);
  };

  return (path) => {
    const lane = lanes.get(path);
    if (!lane) return start(path);
    const afterwards = () => start(path);
    lane.next ??= lane.running.then(afterwards, afterwards);
    return lane.next;
  };
}

/** Syncs one directory. Windows cannot open one and writes names through its journal by itself. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using handle = await open(path, constants.O_RDONLY);
  await handle.sync();
}
