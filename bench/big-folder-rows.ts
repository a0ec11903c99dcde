import { join } from 'node:path';
import { startBerth } from './berth.ts';
import { type BigFolder, makeBigFolder, type Sizes } from './big-folder.ts';
import { findDistribution } from './distribution-program.ts';
import type { Figure, FigureRowName, FigureRowResult } from './figures.ts';
import { measureListing } from './listing.ts';
import type { ListingRow } from './listing-places.ts';
import { measureIdle, measureStarts, startables } from './starts.ts';

export const bigSizes: Sizes = { tags: 1_000_000, repositories: 100_000 };
/** Too small to show anything but that it runs. */
export const quickSizes: Sizes = { tags: 20_000, repositories: 2_000 };
/** More rounds than these show nothing new: the rows here take long, and have no peer whose turns they must match. */
const mostRounds = 5;
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
  const { signal, say } = plan;
  const attempt = async (name: string, step: () => Promise<void>): Promise<void> => {
    say(name);
    try {
      await step();
    } catch (error) {
      signal.throwIfAborted();
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const rounds = Math.min(plan.rounds, mostRounds);

  const runAll = async (): Promise<void> => {
    const big = await fill(plan);
    const listed = listingRows.filter((name) => rows.includes(name));
    if (listed.length > 0) {
      const { folder, credentials } = big;
      await using berth = await startBerth({ name: 'berth', folder, credentials });
      const place = { big, endpoint: berth.endpoints.token };
      const listing = { rounds, signal, say, requests: plan.quick ? 200 : 1000 };
      for (const name of listed) {
        await attempt(name, async () => void figures.push(...(await measureListing(name, place, listing))));
      }
    }
    if (!rows.includes('start') && !rows.includes('idle')) return;
    const said: string[] = [];
    const distribution = await findDistribution((line) => said.push(line));
    if (distribution === undefined) skipped.push(...said.map((line) => `start and idle of distribution: ${line}`));
    const all = await startables(big, distribution);
    const idleMs = plan.quick ? 1000 : 10_000;
    if (rows.includes('start')) {
      await attempt('start', async () => void figures.push(...(await measureStarts(all, { rounds, signal, say }))));
    }
    if (rows.includes('idle')) {
      await attempt('idle', async () => void figures.push(...(await measureIdle(all, { idleMs, signal, say }))));
    }
  };
  if (rows.length > 0) await attempt('the big folder', runAll);
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
