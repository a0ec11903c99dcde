import { readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { berthLog } from './berth.ts';
import { runBerth } from './berth-program.ts';
import { type BigFolder, repositoryName, tagName, tagsRepository } from './big-folder.ts';
import type { Endpoint } from './contenders.ts';
import { type Figure, figure } from './figures.ts';
import { getOnce } from './http-get.ts';
import { prepareLoad } from './load.ts';
import { timed } from './measure.ts';
import { median } from './statistics.ts';
import { endpointTokens } from './tokens.ts';

export type ListingRow = 'tags-page' | 'catalog-page' | 'catalog-scoped';

const positions = ['first', 'middle', 'last'] as const;
type Position = (typeof positions)[number];

/** A page of a list, asked for at some place of it. */
interface Place {
  readonly position: Position;
  readonly token: string;
  /** Pages close together, a fresh one for each request of the run, so that no cache of Berth can answer. */
  readonly paths: readonly string[];
  /** What the first of them must hold. */
  readonly expected: readonly string[];
}

const pageSize = 100;
const logWithinMs = 10_000;

export interface ListingPlan {
  readonly rounds: number;
  /** Requests at one position in one round. */
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

function titleOf(row: ListingRow, { sizes }: BigFolder): string {
  if (row === 'tags-page') return `page of ${pageSize} tags at ${sizes.tags}`;
  const page = `catalog page of ${pageSize} at ${sizes.repositories} repositories`;
  return row === 'catalog-page' ? page : `catalog of ${sizes.repositories} repositories for a token that sees one`;
}

async function placeOf(
  row: ListingRow,
  { position, count }: { position: Position; count: number },
  { big, endpoint }: { big: BigFolder; endpoint: Endpoint },
): Promise<Place> {
  const tokens = await endpointTokens(endpoint);
  const { tags, repositories } = big.sizes;
  if (row === 'tags-page') {
    const token = await tokens.forScope(`repository:${tagsRepository}:pull,metadata_read`);
    const base = `/v2/${tagsRepository}/tags/list`;
    return { position, token, ...pages({ base, position, count }, { names: tags, name: tagName }) };
  }
  if (row === 'catalog-page') {
    const token = await tokens.forScope('registry:catalog:*');
    return {
      position,
      token,
      ...pages({ base: '/v2/_catalog', position, count }, { names: repositories, name: repositoryName }),
    };
  }
  const index = { first: 0, middle: Math.floor(repositories / 2), last: repositories - 1 }[position];
  const repository = repositoryName(index);
  const made = await runBerth([
    'token',
    'create',
    '--json',
    '--data',
    `${big.folder}/data`,
    '--name',
    `bench-${position}`,
    '--repository',
    repository,
    '--actions',
    'metadata/read',
  ]);
  const { username, passwords } = JSON.parse(made) as { username: string; passwords: { value: string }[] };
  const credentials = { username, password: passwords[0]?.value ?? '' };
  const token = await (await endpointTokens({ ...endpoint, credentials })).forScope('registry:catalog:*');
  // All of these lie before the first name, so each is a first page.
  const paths = Array.from({ length: count }, (_, at) => `/v2/_catalog?n=${pageSize}&last=a${at}`);
  return { position, token, paths, expected: [repository] };
}

/** `count` full pages from the beginning, around the middle or at the end of a list of `names` names. */
function pages(
  { base, position, count }: { base: string; position: Position; count: number },
  { names, name }: { names: number; name: (index: number) => string },
): Pick<Place, 'paths' | 'expected'> {
  const fullPages = names - pageSize;
  if (fullPages < count) throw new Error(`${names} names have no ${count} different full pages; ask for fewer rounds`);
  const start = { first: 0, middle: Math.floor((fullPages - count) / 2), last: fullPages - count }[position];
  return {
    paths: Array.from(
      { length: count },
      (_, at) => `${base}?n=${pageSize}&last=${encodeURIComponent(name(start + at))}`,
    ),
    expected: Array.from({ length: pageSize }, (_, at) => name(start + 1 + at)),
  };
}

async function assertPage(endpoint: Endpoint, { token, paths, expected, position }: Place): Promise<void> {
  const url = `http://${endpoint.host}:${endpoint.port}${paths[0] ?? ''}`;
  const { status, body } = await getOnce(url, { headers: { Authorization: `Bearer ${token}` } });
  if (status !== 200) throw new Error(`the ${position} page ${url} answered ${status}: ${body.slice(0, 200)}`);
  const { tags, repositories } = JSON.parse(body) as { tags?: string[]; repositories?: string[] };
  const found = tags ?? repositories ?? [];
  if (found.join() !== expected.join()) {
    throw new Error(
      `the ${position} page ${url} holds ${found.length} names from ${found[0]}, not ${expected.length} from ${expected[0]}`,
    );
  }
}

async function measurePlace(
  place: Place,
  { round, endpoint, log, plan }: { round: number; endpoint: Endpoint; log: string; plan: ListingPlan },
): Promise<{ cpuMs: number; logMs: number }> {
  const { host, port, ca } = endpoint;
  const from = statSync(log).size;
  await using load = await prepareLoad(
    {
      target: { host, port, ca },
      connections: 1,
      seconds: Number.MAX_SAFE_INTEGER,
      maxOperations: plan.requests,
      tokens: { list: place.token },
      work: {
        kind: 'get-pages',
        tokenName: 'list',
        paths: place.paths.slice(round * plan.requests).slice(0, plan.requests),
      },
    },
    AbortSignal.any([plan.signal, AbortSignal.timeout(90_000)]),
  );
  const { cpuSeconds } = await timed(endpoint, () => load.run());
  const path = place.paths[0]?.replace(/\?.*/, '');
  return {
    cpuMs: (cpuSeconds * 1000) / plan.requests,
    logMs: median(await loggedMs(log, { from, path, count: plan.requests })),
  };
}

/** The `ms` of the lines of `path` that were logged behind `from` bytes; the log is written a second late. */
async function loggedMs(
  log: string,
  { from, path, count }: { from: number; path: string | undefined; count: number },
): Promise<number[]> {
  const deadline = performance.now() + logWithinMs;
  for (;;) {
    const lines = readFileSync(log).subarray(from).toString('utf8').split('\n').slice(0, -1);
    const found = lines
      .map((line) => JSON.parse(line) as { path?: string; ms?: number })
      .filter((line) => line.path === path);
    if (found.length >= count) return found.map(({ ms }) => ms ?? Number.NaN);
    if (performance.now() > deadline)
      throw new Error(`the access log tells of ${found.length} requests, not of ${count}`);
    await delay(100);
  }
}
