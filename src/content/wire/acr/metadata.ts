import { Fault, parseDigest, parsePage, parseTag } from '../../../kernel/index.ts';
import type { ListOrder } from '../../metadata.ts';
import type { RepositoryCall } from '../call.ts';
import { nextLink } from '../paging.ts';
import { manifestModel, parseAttributes, repositoryModel, tagModel } from './models.ts';

const maxPatchBytes = 16 * 1024;

/** `GET /acr/v1/<name>`. */
export async function getRepository(call: RepositoryCall): Promise<void> {
  const found = await call.services.metadata.repository(call.registry, call.repository);
  call.exchange.sendJson(200, repositoryModel(loginServer(call), call.repository, found));
}

/** `PATCH /acr/v1/<name>`: locks of the repository. */
export async function updateRepository(call: RepositoryCall): Promise<void> {
  await change(call, { kind: 'repository' });
  await getRepository(call);
}

/** `DELETE /acr/v1/<name>`: everything in it. Of very many manifests and tags the answer names the first. */
export async function deleteRepository(call: RepositoryCall): Promise<void> {
  const { manifests, tags } = await call.services.metadata.deleteRepository(
    call.context,
    call.registry,
    call.repository,
  );
  call.exchange.sendJson(202, { manifestsDeleted: manifests, tagsDeleted: tags });
}

/** `GET /acr/v1/<name>/_tags`. A page after the last one is `null`, not `[]` (CLIENTS §5). */
export async function getTags(call: RepositoryCall): Promise<void> {
  const { exchange, registry, repository } = call;
  const page = parsePage(exchange.query.get('n'), exchange.query.get('last'));
  const order = orderOf(call);
  const filter = exchange.query.get('digest');
  const digest = filter === null || filter === '' ? null : parseDigest(filter);
  const { items, more } = await call.services.metadata.tags(registry, repository, order, digest, page);
  const last = items.at(-1)?.name;
  exchange.sendJson(
    200,
    { ...heading(call), tags: items.length === 0 && page.last !== null ? null : items.map(tagModel) },
    more && last !== undefined
      ? {
          link: nextLink(exchange.path, page, last, {
            orderby: orderWord(call),
            ...(digest === null ? {} : { digest }),
          }),
        }
      : {},
  );
}

/** `GET /acr/v1/<name>/_tags/<tag>`. */
export async function getTag(call: RepositoryCall): Promise<void> {
  const tag = parseTag(call.parameters['tag'] ?? '');
  const found = await call.services.metadata.tag(call.registry, call.repository, tag);
  call.exchange.sendJson(200, { ...heading(call), tag: tagModel(found) });
}

/** `PATCH /acr/v1/<name>/_tags/<tag>`: locks of the tag. */
export async function updateTag(call: RepositoryCall): Promise<void> {
  await change(call, { kind: 'tag', key: parseTag(call.parameters['tag'] ?? '') });
  await getTag(call);
}

/** `DELETE /acr/v1/<name>/_tags/<tag>`: untags; the manifest stays (ACR-FACTS §8.1). */
export async function deleteTag(call: RepositoryCall): Promise<void> {
  const tag = parseTag(call.parameters['tag'] ?? '');
  await call.services.manifests.remove(call.context, call.registry, call.repository, { tag });
  call.exchange.send(202);
}

/** `GET /acr/v1/<name>/_manifests`. */
export async function getManifests(call: RepositoryCall): Promise<void> {
  const { exchange, registry, repository } = call;
  const page = parsePage(exchange.query.get('n'), exchange.query.get('last'));
  const { items, more } = await call.services.metadata.manifests(registry, repository, orderOf(call), page);
  const last = items.at(-1)?.digest;
  exchange.sendJson(
    200,
    { ...heading(call), manifests: items.length === 0 && page.last !== null ? null : items.map(manifestModel) },
    more && last !== undefined ? { link: nextLink(exchange.path, page, last, { orderby: orderWord(call) }) } : {},
  );
}

/** `GET /acr/v1/<name>/_manifests/<digest>`. */
export async function getManifest(call: RepositoryCall): Promise<void> {
  const digest = parseDigest(call.parameters['digest'] ?? '');
  const found = await call.services.metadata.manifest(call.registry, call.repository, digest);
  call.exchange.sendJson(200, { ...heading(call), manifest: manifestModel(found) });
}

/** `PATCH /acr/v1/<name>/_manifests/<digest>`: locks of the manifest. */
export async function updateManifest(call: RepositoryCall): Promise<void> {
  await change(call, { kind: 'manifest', key: parseDigest(call.parameters['digest'] ?? '') });
  await getManifest(call);
}

async function change(
  call: RepositoryCall,
  target: { kind: 'repository' } | { kind: 'tag' | 'manifest'; key: string },
): Promise<void> {
  const attributes = parseAttributes(await call.exchange.readBody(maxPatchBytes));
  await call.services.metadata.change(call.context, call.registry, call.repository, target, attributes);
}

/**
 * The login server as the client reached it, which the resource manager has told it: through the proxy, or in front of a
 * mapped port, that is another port than Berth listens on. Under a foreign name it is the one that Berth knows itself by.
 */
function loginServer({ exchange, access }: RepositoryCall): string {
  const host = exchange.host.toLowerCase();
  const bare = (server: string): string => server.replace(/:[0-9]+$/, '');
  return bare(host) === bare(access.audience) ? host.replace(/:443$/, '') : access.audience;
}

function heading(call: RepositoryCall): { registry: string; imageName: string } {
  return { registry: loginServer(call), imageName: call.repository };
}

function orderWord(call: RepositoryCall): string {
  return call.exchange.query.get('orderby') ?? '';
}

function orderOf(call: RepositoryCall): ListOrder {
  const asked = orderWord(call);
  switch (asked) {
    case '':
    case 'none':
      return 'name';
    case 'timeasc':
    case 'timedesc':
      return asked;
    default:
      throw new Fault(
        'request-invalid',
        `orderby="${asked.slice(0, 40)}" is not an order; use none, timeasc or timedesc`,
      );
  }
}
