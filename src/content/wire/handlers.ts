import * as acr from './acr/metadata.ts';
import type { Call, RepositoryCall, TokenCall } from './call.ts';
import { exchangeToken, getToken, postToken } from './oauth2/token.ts';
import type { DataRouteId } from './routes.ts';
import { deleteBlob, getBlob } from './v2/blobs.ts';
import { getCatalog, getReferrers, getTags } from './v2/lists.ts';
import { deleteManifest, getManifest, putManifest } from './v2/manifests.ts';
import { appendUpload, cancelUpload, finishUpload, getUpload, startUpload } from './v2/uploads.ts';

type RepositoryRouteId = Exclude<
  DataRouteId,
  'v2.base' | 'v2.catalog' | 'acr.catalog' | 'oauth2.token' | 'oauth2.exchange'
>;

/** Handlers of everything inside a repository. Total: a route without a handler does not compile. */
export const repositoryHandlers: Readonly<Record<RepositoryRouteId, (call: RepositoryCall) => Promise<void>>> = {
  'v2.tags': getTags,
  'v2.referrers': getReferrers,
  'v2.manifest.get': getManifest,
  'v2.manifest.put': putManifest,
  'v2.manifest.delete': deleteManifest,
  'v2.upload.start': startUpload,
  'v2.upload.status': getUpload,
  'v2.upload.append': appendUpload,
  'v2.upload.finish': finishUpload,
  'v2.upload.cancel': cancelUpload,
  'v2.blob.get': getBlob,
  'v2.blob.delete': deleteBlob,
  'acr.tags': acr.getTags,
  'acr.tag.get': acr.getTag,
  'acr.tag.update': acr.updateTag,
  'acr.tag.delete': acr.deleteTag,
  'acr.manifests': acr.getManifests,
  'acr.manifest.get': acr.getManifest,
  'acr.manifest.update': acr.updateManifest,
  'acr.repository.get': acr.getRepository,
  'acr.repository.update': acr.updateRepository,
  'acr.repository.delete': acr.deleteRepository,
};

/** Handlers of the registry as a whole. */
export const registryHandlers: Readonly<
  Record<'v2.base' | 'v2.catalog' | 'acr.catalog', (call: Call) => Promise<void>>
> = {
  'v2.base': async (call) => call.exchange.sendJson(200, {}),
  'v2.catalog': getCatalog,
  'acr.catalog': getCatalog,
};

/** Handlers of the token endpoints. */
export const tokenHandlers: Readonly<Record<'oauth2.token' | 'oauth2.exchange', (call: TokenCall) => Promise<void>>> = {
  'oauth2.token': (call) => (call.exchange.method === 'POST' ? postToken(call) : getToken(call)),
  'oauth2.exchange': exchangeToken,
};
