import { absent, type Key, present } from './_model.ts';
import { ask, blobKey, change, manifestKey, type Site, tagKey, tagNames } from './_site.ts';
import type { StockManifest } from './_stock.ts';
import { pushBlob } from './_uploads.ts';

/** Pushes what is missing of a manifest, then the manifest under up to three tags. */
export async function pushManifest(site: Site, repository: string, number: number): Promise<boolean> {
  const { random, model } = site;
  const manifest = site.stock.manifest(number);
  const names = [...new Set(Array.from({ length: random.below(4) }, () => random.pick(tagNames)))];
  const key = manifestKey(repository, manifest.digest);
  const blobs = manifest.blobs.map((blob) => blobKey(repository, blob.digest));
  const tags = names.map((name) => tagKey(repository, name));
  using claim = model.claim({ alone: tags, together: [key, ...blobs] });
  if (!claim) return false;
  await pushBlobs(site, repository, manifest);
  noteSent(site, key, manifest, blobs);
  const query = names.length < 2 ? '' : `?${names.map((name) => `tag=${name}`).join('&')}`;
  const reference = names.length === 1 ? names[0] : manifest.digest;
  await change(site, repository, 201, {
    method: 'PUT',
    path: `/v2/${repository}/manifests/${reference}${query}`,
    headers: { 'content-type': manifest.mediaType },
    body: manifest.bytes,
    effects: [[key, present], ...tags.map((tag) => [tag, manifest.digest] as const)],
  });
  return true;
}

/** Lets a repository hold a blob that another one holds. */
export async function mountBlob(site: Site, repository: string, number: number): Promise<boolean> {
  const { model, random, repositories } = site;
  const { digest } = site.stock.content(number);
  const source = random.pick(repositories.filter((name) => name !== repository));
  const [from, to] = [blobKey(source, digest), blobKey(repository, digest)];
  using claim = model.claim({ together: [from, to] });
  if (!claim || model.value(from) !== present) return false;
  await change(site, [repository, source], 201, {
    method: 'POST',
    path: `/v2/${repository}/blobs/uploads/?mount=${digest}&from=${source}`,
    effects: [[to, present]],
  });
  return true;
}

/** A repository that comes and goes: an image under a tag, then, mostly, everything deleted at once. */
export async function scratchRepository(site: Site, serial: number): Promise<boolean> {
  const { model, random } = site;
  const repository = `scratch/r${serial}`;
  using claim = model.claim({ alone: [`repository ${repository}`] });
  if (!claim) return false;
  const manifest = site.stock.manifest(site.window.first + 1);
  await pushBlobs(site, repository, manifest);
  await change(site, repository, 201, {
    method: 'PUT',
    path: `/v2/${repository}/manifests/once`,
    headers: { 'content-type': manifest.mediaType },
    body: manifest.bytes,
    effects: [
      [manifestKey(repository, manifest.digest), present],
      [tagKey(repository, 'once'), manifest.digest],
    ],
  });
  if (random.chance(0.2)) return true;
  const gone = model.keys().filter((key) => key.split(' ')[1] === repository);
  await change(site, [], 202, {
    method: 'DELETE',
    path: `/acr/v1/${repository}`,
    effects: gone.map((each) => [each, absent] as const),
  });
  return true;
}

async function pushBlobs(site: Site, repository: string, manifest: StockManifest): Promise<void> {
  for (const blob of manifest.blobs) {
    const path = `/v2/${repository}/blobs/${blob.digest}`;
    const known = site.model.value(blobKey(repository, blob.digest));
    if (known === present && site.random.chance(0.7)) await ask(site, repository, [200], { method: 'HEAD', path });
    else await pushBlob(site, repository, blob);
  }
}

/** Remembered before the push: from then on the manifest may be there and keep its blobs from being deleted. */
function noteSent(site: Site, key: Key, manifest: StockManifest, blobs: readonly Key[]): void {
  site.manifests.set(manifest.digest, manifest);
  for (const blob of blobs) {
    const parents = site.parents.get(blob) ?? new Set();
    site.parents.set(blob, parents.add(key));
  }
}
