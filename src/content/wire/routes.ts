import type { RoutePattern } from '../../http/index.ts';
import type { RepositoryAction } from '../../identity/index.ts';

/** What a route asks of the caller. `signed-in`: any proven identity; `catalog`: the filtered list of repositories. */
export type RouteAccess =
  | { readonly kind: 'token-endpoint' }
  | { readonly kind: 'signed-in' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'repository'; readonly action: RepositoryAction };

/** One row of the data plane's route table. The authorization matrix of the tests is made from it. */
export interface DataRoute extends RoutePattern {
  readonly id: DataRouteId;
  readonly access: RouteAccess;
}

const read: RouteAccess = { kind: 'repository', action: 'content/read' };
const write: RouteAccess = { kind: 'repository', action: 'content/write' };
const remove: RouteAccess = { kind: 'repository', action: 'content/delete' };
const readMetadata: RouteAccess = { kind: 'repository', action: 'metadata/read' };
const writeMetadata: RouteAccess = { kind: 'repository', action: 'metadata/write' };

/** The routes as written: distribution-spec "Endpoints", ACR-FACTS §7, §4.3, §4.4. Earlier rows win. */
const table = [
  { id: 'v2.base', methods: ['GET', 'HEAD'], pattern: '/v2/', access: { kind: 'signed-in' } },
  { id: 'v2.catalog', methods: ['GET', 'HEAD'], pattern: '/v2/_catalog', access: { kind: 'catalog' } },
  { id: 'v2.tags', methods: ['GET', 'HEAD'], pattern: '/v2/{name*}/tags/list', access: read },
  { id: 'v2.referrers', methods: ['GET', 'HEAD'], pattern: '/v2/{name*}/referrers/{digest}', access: read },
  { id: 'v2.manifest.get', methods: ['GET', 'HEAD'], pattern: '/v2/{name*}/manifests/{reference}', access: read },
  { id: 'v2.manifest.put', methods: ['PUT'], pattern: '/v2/{name*}/manifests/{reference}', access: write },
  { id: 'v2.manifest.delete', methods: ['DELETE'], pattern: '/v2/{name*}/manifests/{reference}', access: remove },
  { id: 'v2.upload.start', methods: ['POST'], pattern: '/v2/{name*}/blobs/uploads', access: write },
  { id: 'v2.upload.status', methods: ['GET', 'HEAD'], pattern: '/v2/{name*}/blobs/uploads/{id}', access: write },
  { id: 'v2.upload.append', methods: ['PATCH'], pattern: '/v2/{name*}/blobs/uploads/{id}', access: write },
  { id: 'v2.upload.finish', methods: ['PUT'], pattern: '/v2/{name*}/blobs/uploads/{id}', access: write },
  { id: 'v2.upload.cancel', methods: ['DELETE'], pattern: '/v2/{name*}/blobs/uploads/{id}', access: write },
  { id: 'v2.blob.get', methods: ['GET', 'HEAD'], pattern: '/v2/{name*}/blobs/{digest}', access: read },
  { id: 'v2.blob.delete', methods: ['DELETE'], pattern: '/v2/{name*}/blobs/{digest}', access: remove },

  { id: 'acr.catalog', methods: ['GET', 'HEAD'], pattern: '/acr/v1/_catalog', access: { kind: 'catalog' } },
  { id: 'acr.tags', methods: ['GET', 'HEAD'], pattern: '/acr/v1/{name*}/_tags', access: readMetadata },
  { id: 'acr.tag.get', methods: ['GET', 'HEAD'], pattern: '/acr/v1/{name*}/_tags/{tag}', access: readMetadata },
  { id: 'acr.tag.update', methods: ['PATCH'], pattern: '/acr/v1/{name*}/_tags/{tag}', access: writeMetadata },
  { id: 'acr.tag.delete', methods: ['DELETE'], pattern: '/acr/v1/{name*}/_tags/{tag}', access: remove },
  { id: 'acr.manifests', methods: ['GET', 'HEAD'], pattern: '/acr/v1/{name*}/_manifests', access: readMetadata },
  {
    id: 'acr.manifest.get',
    methods: ['GET', 'HEAD'],
    pattern: '/acr/v1/{name*}/_manifests/{digest}',
    access: readMetadata,
  },
  {
    id: 'acr.manifest.update',
    methods: ['PATCH'],
    pattern: '/acr/v1/{name*}/_manifests/{digest}',
    access: writeMetadata,
  },
  { id: 'acr.repository.get', methods: ['GET', 'HEAD'], pattern: '/acr/v1/{name*}', access: readMetadata },
  { id: 'acr.repository.update', methods: ['PATCH'], pattern: '/acr/v1/{name*}', access: writeMetadata },
  { id: 'acr.repository.delete', methods: ['DELETE'], pattern: '/acr/v1/{name*}', access: remove },

  { id: 'oauth2.token', methods: ['GET', 'POST'], pattern: '/oauth2/token', access: { kind: 'token-endpoint' } },
  { id: 'oauth2.exchange', methods: ['POST'], pattern: '/oauth2/exchange', access: { kind: 'token-endpoint' } },
] as const satisfies readonly (RoutePattern & { access: RouteAccess })[];

/** Identifiers of all routes; handler tables are total over them. */
export type DataRouteId = (typeof table)[number]['id'];

/** The route table of the data plane. */
export const dataRoutes: readonly DataRoute[] = table;
