import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Finding, ok, problemOf, skipped, warn } from './finding.ts';

/** Tokens of a server whose clock is further off than this are refused by clients, or good for too long. */
const mostSkewMs = 30_000;

/** Compares this machine's clock with another's. Times are Unix milliseconds; `roughMs` is how exact the other one is. */
export function compareClocks(name: string, here: number, other: number, roughMs: number): Finding {
  const skew = other - here;
  const seconds = Math.round(Math.abs(skew) / 1000);
  if (Math.abs(skew) <= mostSkewMs + roughMs) return ok(name, seconds <= 2 ? 'agrees' : `${seconds} s apart`);
  return warn(
    name,
    `${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} this machine`,
    'keep both clocks right (chrony, systemd-timesyncd): tokens and certificates have dates',
  );
}

/** The clock of the file system that holds the data, which is another machine's for a network file system. */
export async function checkFileClock(folder: string, now: () => number): Promise<Finding> {
  const name = 'clock of the data folder';
  const path = join(folder, `.doctor-clock-${process.pid}`);
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.write('.');
      await file.datasync();
      return compareClocks(name, now(), (await file.stat()).mtimeMs, 0);
    } finally {
      await file.close();
      await rm(path, { force: true });
    }
  } catch (error) {
    return skipped(name, problemOf(error));
  }
}

/** The `Date` of an HTTP answer, exact to the second. */
export function checkDateHeader(host: string, header: string | undefined, now: number): Finding {
  const name = `clock of ${host}`;
  const told = Date.parse(header ?? '');
  return Number.isNaN(told) ? skipped(name, 'it sends no Date') : compareClocks(name, now, told, 1000);
}
