import { berthLog } from './berth.ts';
import type { BigFolder } from './big-folder.ts';
import type { Endpoint } from './contenders.ts';
import { type Figure, figure } from './figures.ts';
import {
  assertPage,
  type ListingRow,
  type Place,
  type Position,
  placeOf,
  positions,
  titleOf,
} from './listing-places.ts';
import { measureOneByOne } from './one-by-one.ts';
import { median } from './statistics.ts';

export interface ListingPlan {
  readonly rounds: number;
  /** Requests at one position in one round, at most. */
  readonly requests: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/**
 * Server time of pages at the first, middle and last position, on one connection: CPU of the whole process tree per
 * request, and the median of `ms` in the access log. The positions take turns. A list with a wrong page is an error.
 */
export async function measureListing(
  row: ListingRow,
  { big, endpoint }: { readonly big: BigFolder; readonly endpoint: Endpoint },
  plan: ListingPlan,
): Promise<Figure[]> {
  const places: Place[] = [];
  const count = (plan.rounds + 1) * plan.requests;
  for (const position of positions) places.push(await placeOf(row, { position, count }, { big, endpoint }));
  for (const place of places) await assertPage(endpoint, place);
  const cpu = new Map<Position, number[]>(positions.map((position) => [position, []]));
  const logged = new Map<Position, number[]>(positions.map((position) => [position, []]));
  for (let round = 0; round <= plan.rounds; round++) {
    for (const place of round % 2 === 0 ? places : places.toReversed()) {
      const measured = await measurePlace(place, { round, endpoint, log: berthLog(big.folder), plan });
      plan.say(
        `  ${row} ${place.position}: ${measured.cpuMs.toFixed(3)} CPU-ms, ${measured.logMs.toFixed(2)} ms logged`,
      );
      // The first round warms up.
      if (round === 0) continue;
      cpu.get(place.position)?.push(measured.cpuMs);
      logged.get(place.position)?.push(measured.logMs);
    }
  }
  const title = titleOf(row, big);
  const side = 'berth';
  const ratios = Array.from({ length: plan.rounds }, (_, round) => {
    const values = positions.map((position) => cpu.get(position)?.[round] ?? Number.NaN);
    return Math.max(...values) / Math.min(...values);
  });
  return [
    ...positions.flatMap((position) => [
      figure({
        name: `${row}/${position}/cpu`,
        title: `${title}, ${position}: CPU per request`,
        unit: 'ms',
        side,
        values: cpu.get(position) ?? [],
      }),
      figure({
        name: `${row}/${position}/log`,
        title: `${title}, ${position}: ms in the access log`,
        unit: 'ms',
        side,
        values: logged.get(position) ?? [],
      }),
    ]),
    figure({
      name: `${row}/same`,
      title: `${title}: dearest position over cheapest, CPU`,
      unit: 'x',
      side,
      values: ratios,
    }),
  ];
}

async function measurePlace(
  place: Place,
  { round, endpoint, log, plan }: { round: number; endpoint: Endpoint; log: string; plan: ListingPlan },
): Promise<{ cpuMs: number; logMs: number }> {
  const { requests, signal } = plan;
  const path = place.paths[0]?.replace(/\?.*/, '');
  const measured = await measureOneByOne(endpoint, {
    tokens: { list: place.token },
    work: { kind: 'get-pages', tokenName: 'list', paths: place.paths.slice(round * requests).slice(0, requests) },
    requests,
    log,
    isOne: (line) => line.path === path,
    signal,
  });
  return { cpuMs: measured.cpuMs, logMs: median(measured.logMs) };
}
