import { type DataRoute, dataRoutes } from '../../src/content/index.ts';
import type { Client, SendOptions } from './_client.ts';
import { digestOf, imageOf, ociManifest, pushBlob, pushManifest } from './_content.ts';
import type { Berth } from './_server.ts';

/** The repository that is there, and one of the same length that is not. */
export const here = 'team/here';
export const gone = 'team/gone';
const manifestBytes = JSON.stringify(imageOf('matrix'));
const looseBytes = 'a blob that no manifest names';

/** Puts everything into the repository that a request before may have taken out of it. */
export async function restore(berth: Berth): Promise<void> {
  await pushBlob(berth.admin, here, '{}');
  await pushBlob(berth.admin, here, looseBytes);
  await pushManifest(berth.admin, here, 'v1', Buffer.from(manifestBytes));
}

export interface Request extends SendOptions {
  readonly path: string;
}

/** A request for a route that would succeed if it were allowed. `upload` is a session that the principal may use. */
export function requestFor(route: DataRoute, method: string, repository: string, upload: string): Request {
  const parameters: Record<string, string> = {
    '{name*}': repository,
    '{reference}': route.id === 'v2.manifest.delete' ? digestOf(manifestBytes) : 'v1',
    '{tag}': 'v1',
    '{id}': upload,
    '{digest}':
      route.id === 'v2.blob.get' || route.id === 'v2.blob.delete' ? digestOf(looseBytes) : digestOf(manifestBytes),
  };
  const path = route.pattern.replace(/\{[a-z*]+\}/g, (name) => {
    const value = parameters[name];
    if (value === undefined) throw new Error(`the matrix does not know the parameter ${name}`);
    return value;
  });
  switch (route.id) {
    case 'v2.manifest.put':
      return { path, body: manifestBytes, headers: { 'content-type': ociManifest } };
    case 'v2.upload.finish':
      return { path: `${path}?digest=${digestOf('finished')}`, body: 'finished' };
    default:
      return method === 'PATCH' ? { path, body: route.id === 'v2.upload.append' ? 'chunk' : '{}' } : { path };
  }
}

/** Every route but the token endpoints, which decide by themselves, once per method. */
export const rows = dataRoutes
  .filter((route) => route.access.kind !== 'token-endpoint')
  .flatMap((route) => route.methods.map((method) => ({ id: route.id, method, route })));

/** Sends one Authorization header. */
export function withHeader(berth: Berth, authorization: string): Client {
  return (method, path, options = {}) =>
    berth.nobody(method, path, { ...options, headers: { ...options.headers, authorization } });
}
