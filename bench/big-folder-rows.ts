import { join } from 'node:path';
import { startBerth } from './berth.ts';
import { type BigFolder, makeBigFolder, type Sizes } from './big-folder.ts';
import { findDistribution } from './distribution-program.ts';
import { figureAttempts } from './figure-attempts.ts';
import type { BigRowName, Figure, FigureRowResult } from './figures.ts';
import { measureListing } from './listing.ts';
import type { ListingRow } from './listing-places.ts';
import { measureIdle, measureStarts, startables } from './starts.ts';

const bigSizes: Sizes = { tags: 1_000_000, repositories: 100_000 };
/** Too small to show anything but that it runs. */
const quickSizes: Sizes = { tags: 20_000, repositories: 2_000 };
/** Disk that a big folder takes, generously. */
export const bigFolderBytes = 3_000_000_000;

export interface BigFolderPlan {
  readonly folder: string;
  readonly rounds: number;
  readonly quick: boolean;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const listingRows: readonly ListingRow[] = ['tags-page', 'catalog-page', 'catalog-scoped'];

/** Makes the big folder and runs the rows on it, when there are any. */
export async function runBigRows(rows: readonly BigRowName[], plan: BigFolderPlan): Promise<FigureRowResult> {
  const skipped: string[] = [];
  const { rounds, signal, say } = plan;
  const all = figureAttempts(plan);

  const runAll = async (): Promise<Figure[]> => {
    const big = await fill(plan);
    const listed = listingRows.filter((name) => rows.includes(name));
    if (listed.length > 0) {
      const { folder, credentials } = big;
      await using berth = await startBerth({ name: 'berth', folder, credentials });
      const place = { big, endpoint: berth.endpoints.token };
      const listing = { rounds, signal, say, requests: plan.quick ? 200 : 1000 };
      for (const name of listed) await all.attempt(name, () => measureListing(name, place, listing));
    }
    if (!rows.includes('start') && !rows.includes('idle')) return [];
    const said: string[] = [];
    const distribution = await findDistribution((line) => said.push(line));
    if (distribution === undefined) skipped.push(...said.map((line) => `start and idle of distribution: ${line}`));
    const started = await startables(big, distribution);
    const idleMs = plan.quick ? 1000 : 10_000;
    if (rows.includes('start')) await all.attempt('start', () => measureStarts(started, { rounds, signal, say }));
    if (rows.includes('idle')) await all.attempt('idle', () => measureIdle(started, { idleMs, signal, say }));
    return [];
  };
  if (rows.length > 0) await all.attempt('the big folder', runAll);
  return { figures: all.figures, failures: all.failures, skipped };
}

async function fill({ folder, quick, say, signal }: BigFolderPlan): Promise<BigFolder> {
  signal.throwIfAborted();
  const sizes = quick ? quickSizes : bigSizes;
  say(`filling a folder: ${sizes.tags} tags in one repository, ${sizes.repositories} repositories`);
  const begun = performance.now();
  const big = await makeBigFolder(join(folder, 'big'), sizes);
  say(`  took ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  return big;
}
