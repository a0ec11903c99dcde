import { runBerth } from './berth-program.ts';
import { type BigFolder, repositoryName, tagName, tagsRepository } from './big-folder.ts';
import type { Endpoint } from './contenders.ts';
import { getOnce } from './http-get.ts';
import { endpointTokens } from './tokens.ts';

export type ListingRow = 'tags-page' | 'catalog-page' | 'catalog-scoped';

export const positions = ['first', 'middle', 'last'] as const;
export type Position = (typeof positions)[number];

/** A page of a list, asked for at some place of it. */
export interface Place {
  readonly position: Position;
  readonly token: string;
  /** Pages close together, a fresh one for each request of the run, so that no cache of Berth can answer. */
  readonly paths: readonly string[];
  /** What the first of them must hold. */
  readonly expected: readonly string[];
}

const pageSize = 100;

/** What a row is called in the report. */
export function titleOf(row: ListingRow, { sizes }: BigFolder): string {
  if (row === 'tags-page') return `page of ${pageSize} tags at ${sizes.tags}`;
  const page = `catalog page of ${pageSize} at ${sizes.repositories} repositories`;
  return row === 'catalog-page' ? page : `catalog of ${sizes.repositories} repositories for a token that sees one`;
}

/** The pages of one row at one position, `count` of them, and a token to ask for them with. */
export async function placeOf(
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

/** Asks for the first page of a place and throws unless it holds what it must. */
export async function assertPage(endpoint: Endpoint, { token, paths, expected, position }: Place): Promise<void> {
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
