import { absent, present } from './_model.ts';
import { ask, blobKey, headersFor, manifestKey, type Site, tagKey, tagNames } from './_site.ts';
import { digestOf } from './_stock.ts';

const accept =
  'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json';

/** Pulls by tag what the model says is there, every byte of it, and compares. Answers false when another stands against it. */
export async function pullTag(site: Site, repository: string): Promise<boolean> {
  const name = site.random.pick(tagNames);
  const tag = tagKey(repository, name);
  using tagClaim = site.model.claim({ together: [tag] });
  const digest = site.model.value(tag);
  if (!tagClaim || digest === undefined) return false;
  const path = `/v2/${repository}/manifests/${name}`;
  const answer = await ask(site, repository, [digest === absent ? 404 : 200], {
    method: 'GET',
    path,
    headers: { accept },
  });
  if (digest === absent) return true;
  const found = answer.headers['docker-content-digest'];
  if (found !== digest || digestOf(answer.body) !== digest)
    throw new Error(`${path} is ${String(found)}, not ${digest}`);
  await pullBlobs(site, repository, answer.body);
  return true;
}

/** Looks a manifest and a blob up by digest, there or not. */
export async function lookUp(site: Site, repository: string, number: number): Promise<boolean> {
  const manifest = site.stock.manifest(number);
  const content = site.stock.content(number);
  const asked = [
    { key: manifestKey(repository, manifest.digest), path: `/v2/${repository}/manifests/${manifest.digest}` },
    { key: blobKey(repository, content.digest), path: `/v2/${repository}/blobs/${content.digest}` },
  ];
  // Alone: what is not there now must not be pushed meanwhile.
  using claim = site.model.claim({ alone: asked.map(({ key }) => key) });
  if (!claim) return false;
  for (const { key, path } of asked) {
    const status = site.model.value(key) === present ? 200 : 404;
    await ask(site, repository, [status], { method: 'HEAD', path, headers: { accept } });
  }
  return true;
}

/** Reads a part of a blob, or begins to read one and leaves. */
export async function readPart(site: Site, repository: string, number: number): Promise<boolean> {
  const content = site.stock.content(number);
  const key = blobKey(repository, content.digest);
  using claim = site.model.claim({ together: [key] });
  if (!claim || site.model.value(key) !== present) return false;
  const path = `/v2/${repository}/blobs/${content.digest}`;
  if (content.size > 100_000 && site.random.chance(0.5)) {
    const request = { method: 'GET', path };
    const status = await site.door.breakAnswer({ ...request, headers: await headersFor(site, repository, request) });
    if (status !== 200) throw new Error(`GET ${path} expected 200, found ${status}`);
    return true;
  }
  const start = site.random.below(content.size);
  const range = `bytes=${start}-`;
  const answer = await ask(site, repository, [206], { method: 'GET', path, headers: { range } });
  if (!answer.body.equals(content.bytes().subarray(start))) throw new Error(`${path} from ${start} has other bytes`);
  return true;
}

/** Lists of tags, repositories and referrers; what stands in them is compared when nothing is under way (`verify`). */
export async function readLists(site: Site, repository: string, number: number): Promise<boolean> {
  const { random } = site;
  const list = random.below(3);
  if (list === 0) await ask(site, repository, [200, 404], { method: 'GET', path: `/v2/${repository}/tags/list?n=5` });
  else if (list === 1) await ask(site, [], [200], { method: 'GET', path: '/v2/_catalog' });
  else {
    const path = `/v2/${repository}/referrers/${site.stock.manifest(number).digest}`;
    await ask(site, repository, [200], { method: 'GET', path });
  }
  return true;
}

/** What a manifest names cannot be deleted while it is there, and it cannot be deleted while its tag is in use. */
async function pullBlobs(site: Site, repository: string, manifest: Buffer): Promise<void> {
  const { config, layers = [] } = JSON.parse(manifest.toString()) as {
    config?: { digest: string };
    layers?: { digest: string }[];
  };
  for (const { digest } of config ? [config, ...layers] : []) {
    const answer = await ask(site, repository, [200], { method: 'GET', path: `/v2/${repository}/blobs/${digest}` });
    if (digestOf(answer.body) !== digest) throw new Error(`blob ${digest} of ${repository} has other bytes`);
  }
}
