import { absent, present } from './_model.ts';
import { ask, blobKey, change, manifestKey, type Site, tagKey, tagNames } from './_site.ts';

export async function deleteTag(site: Site, repository: string): Promise<boolean> {
  const name = site.random.pick(tagNames);
  const key = tagKey(repository, name);
  using claim = site.model.claim({ alone: [key] });
  if (!claim) return false;
  const path = `/v2/${repository}/manifests/${name}`;
  if (site.model.value(key) === absent) await ask(site, repository, [404], { method: 'DELETE', path });
  else await change(site, repository, 202, { method: 'DELETE', path, effects: [[key, absent]] });
  return true;
}

/** Deletes a manifest and thereby every tag on it. */
export async function deleteManifest(site: Site, repository: string, number: number): Promise<boolean> {
  const { digest } = site.stock.manifest(number);
  const key = manifestKey(repository, digest);
  if (site.model.value(key) !== present) return false;
  const tags = tagNames.map((name) => tagKey(repository, name)).filter((tag) => site.model.possible(tag).has(digest));
  using claim = site.model.claim({ alone: [key, ...tags] });
  if (!claim) return false;
  const path = `/v2/${repository}/manifests/${digest}`;
  await change(site, repository, 202, {
    method: 'DELETE',
    path,
    effects: [key, ...tags].map((each) => [each, absent] as const),
  });
  return true;
}

/** Deletes a blob that no manifest names; one that a manifest names is refused. */
export async function deleteBlob(site: Site, repository: string, number: number): Promise<boolean> {
  const { model } = site;
  const { digest } = site.stock.content(number);
  const key = blobKey(repository, digest);
  if (model.value(key) !== present) return false;
  const parents = [...(site.parents.get(key) ?? [])];
  using claim = model.claim({ alone: [key], together: parents });
  // A parent that is being deleted or pushed leaves the answer open.
  if (!claim || parents.some((parent) => model.value(parent) === undefined)) return false;
  const path = `/v2/${repository}/blobs/${digest}`;
  if (parents.some((parent) => model.value(parent) === present)) {
    await ask(site, repository, [405], { method: 'DELETE', path });
  } else await change(site, repository, 202, { method: 'DELETE', path, effects: [[key, absent]] });
  return true;
}
