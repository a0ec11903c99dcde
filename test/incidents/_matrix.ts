import { type DataRoute, dataRoutes } from '../../src/content/index.ts';
import { basic, type Client, type SendOptions } from '../e2e/_client.ts';
import { digestOf, imageOf, ociManifest } from '../e2e/_content.ts';
import type { Berth } from '../e2e/_server.ts';

/** Every route that is behind the authorization of a repository, once per method. */
export const repositoryRoutes = dataRoutes
  .filter((route) => route.access.kind === 'repository')
  .flatMap((route) => route.methods.map((method) => ({ id: route.id, method, route })));

/** What a hostile request names. */
export interface Aim {
  readonly repository: string;
  readonly reference?: string;
  readonly digest?: string;
  readonly upload?: string;
}

/** A request for a route that would do something if it were let through. */
export function aimedAt(route: DataRoute, method: string, aim: Aim): SendOptions & { readonly path: string } {
  const { repository, reference = 'v1', digest = digestOf('x'), upload = '0'.repeat(36) } = aim;
  const path = route.pattern
    .replace('{name*}', () => repository)
    .replace('{reference}', () => reference)
    .replace('{tag}', () => reference)
    .replace('{digest}', () => digest)
    .replace('{id}', () => upload);
  switch (route.id) {
    case 'v2.manifest.put':
      return { path, body: JSON.stringify(imageOf('aimed')), headers: { 'content-type': ociManifest } };
    case 'v2.upload.finish':
      return { path: `${path}?digest=${digestOf('x')}`, body: 'x' };
    case 'v2.upload.start':
      return { path: `${path}?digest=${digestOf('x')}`, body: 'x' };
    default:
      return method === 'PATCH'
        ? { path, body: route.id === 'v2.upload.append' ? 'x' : '{"readEnabled":false}' }
        : { path };
  }
}

/** Makes another registry of the same server and answers its admin. */
export async function secondRegistry(berth: Berth, name: string): Promise<{ admin: Client; authorization: string }> {
  await berth.operator('POST', '/registries', { name, adminEnabled: true });
  const shown = (await berth.operator('GET', `/registries/${name}/credentials`)) as { passwords: { value: string }[] };
  const authorization = basic(name, shown.passwords[0]?.value ?? '');
  return { authorization, admin: berth.at(name, authorization) };
}
