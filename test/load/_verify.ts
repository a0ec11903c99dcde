import { absent, type Key, present } from './_model.ts';
import { ask, blobKey, manifestKey, type Session, type Site } from './_site.ts';
import { digestOf } from './_stock.ts';
import { noteProgress } from './_uploads.ts';

const atOnce = 12;
const accept = 'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json';

/**
 * Reads `keys` and every open session from a server on which nothing else happens, holds the lists against them, and
 * answers a sentence for each thing that is not as it was promised. Afterwards the model knows what is there.
 */
export async function verify(site: Site, keys: readonly Key[]): Promise<string[]> {
  const wrong: string[] = [];
  const say = (complaint: string | undefined): void => {
    if (complaint !== undefined) wrong.push(complaint);
  };
  await each(keys, async (key) => say(site.model.observe(key, await valueOf(site, key, say))));
  for (const complaint of site.model.halfDone()) say(complaint);
  await each([...site.sessions.values()], (session) => checkSession(site, session, say));
  await checkCatalog(site, say);
  for (const repository of site.repositories) {
    await checkTagList(site, repository, say);
    await checkManifestList(site, repository, say);
    await checkReferrers(site, repository, keys, say);
  }
  return wrong;
}

type Say = (complaint: string) => void;

/** What a key is worth now; every byte behind it is read and hashed. */
async function valueOf(site: Site, key: Key, say: Say): Promise<string> {
  const [kind = '', repository = '', name = ''] = key.split(' ');
  const path = `/v2/${repository}/${kind === 'blob' ? 'blobs' : 'manifests'}/${name}`;
  const answer = await ask(site, repository, [200, 404], { method: 'GET', path, headers: { accept } });
  const head = await ask(site, repository, [200, 404], { method: 'HEAD', path, headers: { accept } });
  if (head.status !== answer.status) say(`GET ${path} answers ${answer.status} and HEAD ${head.status}`);
  if (answer.status === 404) return absent;
  const digest = digestOf(answer.body);
  const promised = kind === 'tag' ? answer.headers['docker-content-digest'] : name;
  if (digest !== promised) say(`${path} has bytes of ${digest}, not of ${String(promised)}`);
  return kind === 'tag' ? digest : present;
}

/** An open session holds at least what was acknowledged; one that is gone has done what its last request asked. */
async function checkSession(site: Site, session: Session, say: Say): Promise<void> {
  const { path, repository } = session;
  const answer = await ask(site, repository, [204, 404], { method: 'GET', path });
  session.busy = false;
  if (answer.status === 204) {
    try {
      noteProgress(session, answer);
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
    // What else was sent is not there, and nothing of it is on its way any more.
    session.sent = session.acknowledged;
    session.ending = 'no';
    return;
  }
  site.sessions.delete(path);
  if (session.ending === 'no') say(`${path} is gone, and nobody ended it`);
  if (session.ending === 'finish' && site.model.value(blobKey(repository, session.content.digest)) !== present) {
    say(`${path} is gone, and its blob is not there`);
  }
}

async function checkTagList(site: Site, repository: string, say: Say): Promise<void> {
  const keys = site.model.keys(`tag ${repository} `).filter((key) => site.model.value(key) !== absent);
  const expected = keys.map((key) => key.split(' ')[2] ?? '').sort();
  const found = await listOf<string>(site, repository, `/v2/${repository}/tags/list?n=7`, 'tags');
  if (found.join() !== expected.join()) say(`tags of ${repository}: ${difference(found, expected)}`);
}

async function checkManifestList(site: Site, repository: string, say: Say): Promise<void> {
  const keys = site.model.keys(`manifest ${repository} `).filter((key) => site.model.value(key) === present);
  const expected = keys.map((key) => key.split(' ')[2] ?? '').sort();
  const path = `/acr/v1/${repository}/_manifests?n=100`;
  const listed = await listOf<{ digest: string }>(site, [], path, 'manifests');
  const found = listed.map(({ digest }) => digest).sort();
  if (found.join() !== expected.join()) say(`manifests of ${repository}: ${difference(found, expected)}`);
}

async function checkCatalog(site: Site, say: Say): Promise<void> {
  const live = site.model.keys('manifest ').filter((key) => site.model.value(key) === present);
  const expected = [...new Set(live.map((key) => key.split(' ')[1] ?? ''))].sort();
  const found = await listOf<string>(site, [], '/v2/_catalog?n=50', 'repositories');
  if (found.join() !== expected.join()) say(`the catalog: ${difference(found, expected)}`);
}

/** The referrers of every subject that a key among `keys` belongs to. */
async function checkReferrers(site: Site, repository: string, keys: readonly Key[], say: Say): Promise<void> {
  const bySubject = new Map<string, string[]>();
  for (const { digest, subject } of site.manifests.values()) {
    if (subject === null) continue;
    const there = site.model.value(manifestKey(repository, digest)) === present;
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), ...(there ? [digest] : [])]);
  }
  const asked = new Set(keys);
  const subjects = [...site.manifests.values()].flatMap(({ digest, subject }) =>
    subject !== null && asked.has(manifestKey(repository, digest)) ? [subject] : [],
  );
  await each([...new Set(subjects)], async (subject) => {
    const expected = (bySubject.get(subject) ?? []).toSorted();
    const path = `/v2/${repository}/referrers/${subject}`;
    const found = (await listOf<{ digest: string }>(site, repository, path, 'manifests')).map(({ digest }) => digest);
    if (found.join() !== expected.join()) say(`${path}: ${difference(found, expected)}`);
  });
}

function difference(found: readonly string[], expected: readonly string[]): string {
  const tooMany = found.filter((one, index) => !expected.includes(one) || found.indexOf(one) !== index);
  const missing = expected.filter((one) => !found.includes(one));
  return `listed and not promised are [${tooMany.join()}], promised and not listed [${missing.join()}], or the order is wrong`;
}

/** All entries of a list, page by page; an absent list has none. */
async function listOf<T>(
  site: Site,
  repositories: string | readonly string[],
  path: string,
  field: string,
): Promise<T[]> {
  const entries: T[] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const page = await ask(site, repositories, [200, 404], { method: 'GET', path: next });
    if (page.status === 404) return entries;
    entries.push(...((JSON.parse(page.body.toString()) as Record<string, T[] | null>)[field] ?? []));
    next = /^<([^>]+)>; rel="next"$/.exec(String(page.headers['link'] ?? ''))?.[1];
  }
  return entries;
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
