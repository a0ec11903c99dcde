import { mkdtemp, open, readFile, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type Finding, fail, ok, problemOf, skipped, warn } from './finding.ts';

/** How a disk is measured; tests give other numbers. */
export interface DiskMeter {
  /** Free and whole bytes, free and all inodes (0 where the file system counts none). */
  space(folder: string): Promise<{ freeBytes: number; allBytes: number; freeInodes: number; allInodes: number }>;
  /** Times of single syncs of 4 KiB, milliseconds. */
  syncs(folder: string): Promise<readonly number[]>;
  /** Bytes per second of a longer write with its sync. */
  writeRate(folder: string): Promise<number>;
}

const syncCount = 25;
const syncBudgetMs = 4_000;
const writeBytes = 64 << 20;
/** A commit takes one sync and a push several; above this people feel it. */
const slowSyncMs = 20;
const slowWriteBytes = 30_000_000;
const leastBytes = 1 << 30;
const fewBytes = 10 * (1 << 30);

/** Space, inodes, sync and write rate of a folder. */
export async function checkDisk(label: string, folder: string, meter: DiskMeter): Promise<Finding[]> {
  const name = `space of ${label}`;
  let space: Awaited<ReturnType<DiskMeter['space']>>;
  try {
    space = await meter.space(folder);
  } catch (error) {
    return [skipped(name, `${folder}: ${problemOf(error)}`)];
  }
  return [checkSpace(name, space), ...(await checkRates(label, folder, meter, space.freeBytes))];
}

function checkSpace(name: string, space: Awaited<ReturnType<DiskMeter['space']>>): Finding {
  const { freeBytes, allBytes, freeInodes, allInodes } = space;
  const percent = Math.floor((100 * freeBytes) / Math.max(allBytes, 1));
  const found = `${gigabytes(freeBytes)} of ${gigabytes(allBytes)} free, ${percent} %`;
  const cure = 'make room, or move the data folder to a greater disk: pushes are refused when it is full';
  if (freeBytes < leastBytes) return fail(name, found, cure);
  if (allInodes > 0 && freeInodes < allInodes / 100) {
    return fail(name, `${freeInodes} of ${allInodes} inodes free`, 'each blob takes one; use a file system with more');
  }
  return freeBytes < fewBytes || percent < 5 ? warn(name, found, cure) : ok(name, found);
}

async function checkRates(label: string, folder: string, meter: DiskMeter, free: number): Promise<Finding[]> {
  const name = `speed of ${label}`;
  if (free < 4 * writeBytes) return [skipped(name, 'there is no room to measure')];
  try {
    const times = [...(await meter.syncs(folder))].toSorted((a, b) => a - b);
    const median = times[Math.floor(times.length / 2)] ?? 0;
    const rate = await meter.writeRate(folder);
    const found = `a sync takes ${median.toFixed(1)} ms (median of ${times.length}), writing ${Math.round(rate / 1e6)} MB/s`;
    if (median > slowSyncMs) {
      const cure = 'use a local SSD: every acknowledged push waits for a sync (network and USB disks are slow at it)';
      return [warn(name, found, cure)];
    }
    return [rate < slowWriteBytes ? warn(name, found, 'use a faster disk for the data folder') : ok(name, found)];
  } catch (error) {
    return [fail(name, problemOf(error), 'let the user that runs Berth write there')];
  }
}

/** Measures with temporary files in the folder, which go again. */
export const diskMeter: DiskMeter = {
  async space(folder) {
    const { bavail, bsize, blocks, ffree, files } = await statfs(folder);
    return { freeBytes: bavail * bsize, allBytes: blocks * bsize, freeInodes: ffree, allInodes: files };
  },
  syncs: (folder) =>
    inTemporaryFile(folder, async (file) => {
      const page = Buffer.alloc(4096, 1);
      const times: number[] = [];
      const end = performance.now() + syncBudgetMs;
      while (times.length < syncCount && performance.now() < end) {
        await file.write(page, 0, page.length, times.length * page.length);
        const began = performance.now();
        await file.datasync();
        times.push(performance.now() - began);
      }
      return times;
    }),
  writeRate: (folder) =>
    inTemporaryFile(folder, async (file) => {
      const chunk = Buffer.alloc(1 << 20, 1);
      const began = performance.now();
      for (let at = 0; at < writeBytes; at += chunk.length) await file.write(chunk, 0, chunk.length, at);
      await file.datasync();
      return writeBytes / ((performance.now() - began) / 1000);
    }),
};

type OpenFile = Awaited<ReturnType<typeof open>>;

async function inTemporaryFile<T>(folder: string, work: (file: OpenFile) => Promise<T>): Promise<T> {
  const temporary = await mkdtemp(join(folder, '.doctor-'));
  try {
    const file = await open(join(temporary, 'file'), 'wx', 0o600);
    try {
      return await work(file);
    } finally {
      await file.close();
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** How many files the server may have open, against the connections that it holds. `limits` is `/proc/<pid>/limits`. */
export function checkDescriptors(limits: string, connections: number): Finding {
  const name = 'open files';
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  if (soft === undefined) return skipped(name, 'the limit cannot be read');
  const most = soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
  const found = `the server may open ${soft}, each listener holds up to ${connections} connections`;
  return most < connections
    ? warn(name, found, 'raise it (systemd: LimitNOFILE; docker: --ulimit nofile; shell: ulimit -n)')
    : ok(name, found);
}

/** `/proc/<pid>/limits`, empty where there is none. */
export function readLimits(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/limits`, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (['ENOENT', 'EACCES'].includes(error.code ?? '')) return '';
    throw error;
  });
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
