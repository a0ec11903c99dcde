import { listedRanges } from '../../../identity/index.ts';
import { parseDigest, parsePage } from '../../../kernel/index.ts';
import type { Call, RepositoryCall } from '../call.ts';
import { nextLink } from '../paging.ts';

/**
 * `GET /v2/_catalog` and `GET /acr/v1/_catalog`: what the caller may see, lexical. A page after the last one is `null`, not
 * `[]`: acr CLI pages until then (CLIENTS §5).
 */
export async function getCatalog(call: Call): Promise<void> {
  const { exchange } = call;
  const page = parsePage(exchange.query.get('n'), exchange.query.get('last'));
  const ranges = listedRanges(call.principal);
  const { names, more } = await call.services.catalog.repositories(call.registry, ranges, page);
  const last = names.at(-1);
  exchange.sendJson(
    200,
    { repositories: names.length === 0 && page.last !== null ? null : names },
    more && last !== undefined ? { link: nextLink(exchange.path, page, last, { orderby: '' }) } : {},
  );
}

/** `GET /v2/<name>/tags/list` (distribution-spec, "Listing Tags"). */
export async function getTags(call: RepositoryCall): Promise<void> {
  const { exchange, repository } = call;
  const page = parsePage(exchange.query.get('n'), exchange.query.get('last'));
  const { names, more } = await call.services.catalog.tags(call.registry, repository, page);
  const last = names.at(-1);
  exchange.sendJson(
    200,
    { name: repository, tags: names },
    more && last !== undefined ? { link: nextLink(`/v2/${repository}/tags/list`, page, last, { orderby: '' }) } : {},
  );
}

/** `GET /v2/<name>/referrers/<digest>` (distribution-spec, "Listing Referrers"): an image index, never 404. */
export async function getReferrers(call: RepositoryCall): Promise<void> {
  const { exchange, repository } = call;
  const subject = parseDigest(call.parameters['digest'] ?? '');
  const page = parsePage(exchange.query.get('n'), exchange.query.get('last'));
  const artifactType = exchange.query.get('artifactType');
  const filter = artifactType === null || artifactType === '' ? null : artifactType.slice(0, 255);
  const { manifests, more } = await call.services.catalog.referrers(call.registry, repository, subject, filter, page);
  const last = manifests.at(-1)?.digest;
  const carried: Record<string, string> = filter === null ? {} : { artifactType: filter };
  exchange.sendJson(
    200,
    { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests },
    {
      'content-type': 'application/vnd.oci.image.index.v1+json',
      ...(filter === null ? {} : { 'oci-filters-applied': 'artifactType' }),
      ...(more && last !== undefined
        ? { link: nextLink(`/v2/${repository}/referrers/${subject}`, page, last, carried) }
        : {}),
    },
  );
}
