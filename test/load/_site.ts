import type { Answer, Ask, Door } from './_door.ts';
import { type Attempt, type Key, type Model, model } from './_model.ts';
import type { Random } from './_random.ts';
import type { SignIn } from './_sign-in.ts';
import type { Content, Stock, StockManifest } from './_stock.ts';

/** An upload session that was opened and is not known to be over. */
export interface Session {
  readonly path: string;
  readonly repository: string;
  readonly content: Content;
  /** How far the server has said that it came. */
  acknowledged: number;
  /** How many bytes may have reached the server. */
  sent: number;
  /** A request that ends it may have arrived. */
  ending: 'no' | 'finish' | 'cancel';
  /** An operation works with it. */
  busy: boolean;
}

/** What the operations of a load work with. */
export interface Site {
  readonly repositories: readonly string[];
  readonly random: Random;
  readonly model: Model;
  readonly stock: Stock;
  readonly sessions: Map<string, Session>;
  readonly door: Door;
  readonly signIn: SignIn;
  /** Numbers of contents and manifests that are in use now. */
  readonly window: { readonly first: number; readonly count: number };
  /** Manifests that were ever sent, by the blobs they name. */
  readonly parents: Map<Key, Set<Key>>;
  /** Manifests that were ever sent, by digest. */
  readonly manifests: Map<string, StockManifest>;
}

export const blobKey = (repository: string, digest: string): Key => `blob ${repository} ${digest}`;
export const manifestKey = (repository: string, digest: string): Key => `manifest ${repository} ${digest}`;
export const tagKey = (repository: string, name: string): Key => `tag ${repository} ${name}`;
/** Tags that every repository of a load has, or not. */
export const tagNames: readonly string[] = Array.from({ length: 16 }, (_, index) => `v${index}`);

export function openSite(parts: Pick<Site, 'repositories' | 'random' | 'stock' | 'door' | 'signIn' | 'window'>): Site {
  return { ...parts, model: model(), sessions: new Map(), parents: new Map(), manifests: new Map() };
}

/** Asks with a credential for the repositories; throws unless the status is one of `statuses`. */
export async function ask(
  site: Site,
  repositories: string | readonly string[],
  statuses: readonly number[],
  request: Ask,
): Promise<Answer> {
  const answer = await site.door.ask({ ...request, headers: await headersFor(site, repositories, request) });
  if (!statuses.includes(answer.status)) {
    const found = `${answer.status} ${answer.body.toString('utf8').slice(0, 300)}`;
    throw new Error(`${request.method} ${request.path} expected ${statuses.join(' or ')}, found ${found}`);
  }
  return answer;
}

export async function headersFor(
  site: Site,
  repositories: string | readonly string[],
  request: Ask,
): Promise<Record<string, string>> {
  const names = typeof repositories === 'string' ? [repositories] : repositories;
  return { authorization: await site.signIn.header(site.door, ...names), ...request.headers };
}

/** A request that changes what the model knows: begun when its last byte leaves, settled by the expected status. */
export async function change(
  site: Site,
  repositories: string | readonly string[],
  status: number,
  request: Ask & { readonly effects: readonly (readonly [Key, string])[] },
): Promise<Answer> {
  site.model.watch(request.effects.map(([key]) => key));
  let attempt: Attempt | undefined;
  const leaving = (): void => {
    request.leaving?.();
    attempt = site.model.begin(request.effects);
  };
  const answer = await ask(site, repositories, [status], { ...request, leaving });
  attempt?.settle();
  return answer;
}
