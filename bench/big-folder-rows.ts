import { join } from 'node:path';
import { startBerth } from './berth.ts';
import { type BigFolder, makeBigFolder, type Sizes } from './big-folder.ts';
import { findDistribution } from './distribution-program.ts';
import type { Figure, FigureRowName, FigureRowResult } from './figures.ts';
import { type ListingRow, measureListing } from './listing.ts';
import { measureIdle, measureStarts, startables } from './starts.ts';

export const bigSizes: Sizes = { tags: 1_000_000, repositories: 100_000 };
/** Too small to show anything but that it runs. */
export const quickSizes: Sizes = { tags: 20_000, repositories: 2_000 };
/** Disk that a big folder takes, generously. */
export const bigFolderBytes = 3_000_000_000;

export interface FigureRowsPlan {
  readonly folder: string;
  readonly rounds: number;
  readonly sizes: Sizes;
  readonly quick: boolean;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const listingRows: readonly ListingRow[] = ['tags-page', 'catalog-page', 'catalog-scoped'];

/** Makes the big folder and runs the rows on it, when there are any. A row that fails leaves its reason, and the others run. */
export async function runFigureRows(rows: readonly FigureRowName[], plan: FigureRowsPlan): Promise<FigureRowResult> {
  const figures: Figure[] = [];
  const failures: string[] = [];
  const skipped: string[] = [];
  const attempt = async (name: string, step: () => Promise<readonly Figure[]>): Promise<void> => {
    plan.say(name);
    try {
      figures.push(...(await step()));
    } catch (error) {
      plan.signal.throwIfAborted();
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  if (rows.length === 0) return { figures, failures, skipped };

  const big = await fill(plan);
  const listed = listingRows.filter((name) => rows.includes(name));
  if (listed.length > 0) {
    const { folder, credentials } = big;
    await using berth = await startBerth({ name: 'berth', folder, credentials });
    const place = { big, endpoint: berth.endpoints.token };
    const listing = { ...plan, requests: plan.quick ? 200 : 1000 };
    for (const name of listed) await attempt(name, () => measureListing(name, place, listing));
  }
  if (rows.includes('start') || rows.includes('idle')) {
    const said: string[] = [];
    const distribution = await findDistribution((line) => said.push(line));
    if (distribution === undefined) skipped.push(...said.map((line) => `start and idle of distribution: ${line}`));
    const all = await startables(big, distribution);
    const { rounds, signal, say } = plan;
    const idleMs = plan.quick ? 1000 : 10_000;
    if (rows.includes('start')) await attempt('start', () => measureStarts(all, { rounds, signal, say }));
    if (rows.includes('idle')) await attempt('idle', () => measureIdle(all, { idleMs, signal, say }));
  }
  return { figures, failures, skipped };
}

async function fill({ folder, sizes, say, signal }: FigureRowsPlan): Promise<BigFolder> {
  signal.throwIfAborted();
  say(`filling a folder: ${sizes.tags} tags in one repository, ${sizes.repositories} repositories`);
  const begun = performance.now();
  const big = await makeBigFolder(join(folder, 'big'), sizes);
  say(`  took ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  return big;
}
