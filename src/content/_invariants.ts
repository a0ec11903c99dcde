import { type ContentSeal, plainSeal, statement } from '../data/index.ts';
import { algorithmOf, digestOf, parseDigest } from '../kernel/index.ts';
import type { BlobStore, Database } from '../ports/index.ts';
import { parseManifest } from './manifest.ts';

type InRegistry = { registryId: number };

const repositories = statement<InRegistry, { id: number; name: string; state: string }>((db, p) =>
  db.selectFrom('repository').select(['id', 'name', 'state']).where('registry_id', '=', p.registryId).limit(10_000),
);
const manifestsOf = statement<
  { repositoryId: number },
  { digest: string; state: string; media_type: string; size: number }
>((db, p) =>
  db
    .selectFrom('manifest')
    .select(['digest', 'state', 'media_type', 'size'])
    .where('repository_id', '=', p.repositoryId)
    .limit(10_000),
);
const tagsOf = statement<
  { repositoryId: number },
  { name: string; digest: string | null; version: number; stamp: string }
>((db, p) =>
  db
    .selectFrom('tag')
    .select(['name', 'digest', 'version', 'stamp'])
    .where('repository_id', '=', p.repositoryId)
    .limit(10_000),
);
/** Every interval of every tag of a repository. */
export const historyOf = statement<
  { repositoryId: number },
  {
    name: string;
    version: number;
    digest: string;
    from_ms: number;
    from_stamp: string;
    from_actor: string;
    to_ms: number | null;
    to_stamp: string | null;
    to_actor: string | null;
    end_cause: string | null;
  }
>((db, p) =>
  db
    .selectFrom('tag_history')
    .select([
      'name',
      'version',
      'digest',
      'from_ms',
      'from_stamp',
      'from_actor',
      'to_ms',
      'to_stamp',
      'to_actor',
      'end_cause',
    ])
    .where('repository_id', '=', p.repositoryId)
    .orderBy('name')
    .orderBy('version')
    .limit(10_000),
);
const blobsHeldBy = statement<{ repositoryId: number }, { digest: string; state: string | null }>((db, p) =>
  db
    .selectFrom('repository_blob')
    .innerJoin('repository', 'repository.id', 'repository_blob.repository_id')
    .leftJoin('blob', (join) =>
      join.onRef('blob.registry_id', '=', 'repository.registry_id').onRef('blob.digest', '=', 'repository_blob.digest'),
    )
    .select(['repository_blob.digest as digest', 'blob.state as state'])
    .where('repository_blob.repository_id', '=', p.repositoryId)
    .limit(10_000),
);
const blobsOf = statement<InRegistry, { digest: string; size: number; state: string }>((db, p) =>
  db.selectFrom('blob').select(['digest', 'size', 'state']).where('registry_id', '=', p.registryId).limit(10_000),
);
/** When a manifest was last pulled. */
export const pulledAt = statement<
  { registryId: number; repository: string; digest: string },
  { pulled_ms: number | null }
>((db, p) =>
  db
    .selectFrom('manifest')
    .innerJoin('repository', 'repository.id', 'manifest.repository_id')
    .select('manifest.pulled_ms as pulled_ms')
    .where('repository.registry_id', '=', p.registryId)
    .where('repository.name', '=', p.repository)
    .where('manifest.digest', '=', p.digest),
);
/** Present places of a blob. */
export const locationsOf = statement<
  { registryId: number; digest: string },
  { region_ordinal: number; store: string; location: string }
>((db, p) =>
  db
    .selectFrom('blob_location')
    .select(['region_ordinal', 'store', 'location'])
    .where('registry_id', '=', p.registryId)
    .where('digest', '=', p.digest)
    .where('state', '=', 'present')
    .limit(100),
);
const bodyOf = statement<
  { registryId: number; kind: 'manifest' | 'blob'; digest: string },
  { codec: string; key_id: string | null; bytes: Uint8Array }
>((db, p) =>
  db
    .selectFrom('body')
    .select(['codec', 'key_id', 'bytes'])
    .where('registry_id', '=', p.registryId)
    .where('kind', '=', p.kind)
    .where('digest', '=', p.digest),
);
const feedOf = statement<
  InRegistry,
  { n: number | null; stamp: string; request_id: string; repository: string | null; tag: string | null }
>((db, p) =>
  db
    .selectFrom('change')
    .select(['n', 'stamp', 'request_id', 'repository', 'tag'])
    .where('registry_id', '=', p.registryId)
    .orderBy('n')
    .orderBy('id')
    .limit(100_000),
);
const homelessUploads = statement<InRegistry, { id: string }>((db, p) =>
  db
    .selectFrom('upload')
    .leftJoin('repository', (join) =>
      join
        .onRef('repository.id', '=', 'upload.repository_id')
        .onRef('repository.registry_id', '=', 'upload.registry_id'),
    )
    .select('upload.id as id')
    .where('upload.registry_id', '=', p.registryId)
    .where('repository.id', 'is', null)
    .limit(100),
);

/** What is wrong, as sentences. */
type Complain = (what: string) => unknown;

/**
 * Holds the rows and objects of a registry against what they promise together, and throws one error with everything that
 * does not hold. Nothing else may write meanwhile, and the sequencer has run.
 */
export async function checkInvariants(
  database: Database,
  blobs: BlobStore,
  options: {
    readonly registryId: number;
    readonly seal?: ContentSeal;
    readonly manyProcesses?: boolean;
    /** Reads all bytes, too, and holds them against their digests. */
    readonly bytes?: boolean;
  },
): Promise<void> {
  const { registryId } = options;
  const wrong: string[] = [];
  const complain: Complain = (what) => wrong.push(what);
  for (const repository of await database.all(repositories, { registryId })) {
    const say: Complain = (what) => complain(`${repository.name}: ${what}`);
    await checkTags(database, repository.id, say);
    await checkManifests(database, { ...options, seal: options.seal ?? plainSeal }, repository, say);
  }
  await checkBlobs(database, blobs, registryId, complain);
  if (options.bytes) await checkBytes(database, blobs, { ...options, seal: options.seal ?? plainSeal }, complain);
  await checkFeed(database, { manyProcesses: false, ...options }, complain);
  for (const { id } of await database.all(homelessUploads, { registryId })) complain(`upload ${id} has no repository`);
  if (wrong.length > 0) throw new Error(`broken invariants:\n${wrong.slice(0, 20).join('\n')}`);
}

async function checkTags(database: Database, repositoryId: number, complain: Complain): Promise<void> {
  const states = new Map((await database.all(manifestsOf, { repositoryId })).map((row) => [row.digest, row.state]));
  const tags = new Map((await database.all(tagsOf, { repositoryId })).map((row) => [row.name, row]));
  const history = await database.all(historyOf, { repositoryId });
  for (const tag of tags.values()) {
    const open = history.filter((row) => row.name === tag.name && row.to_ms === null);
    if (tag.digest === null) {
      if (open.length > 0) complain(`tag ${tag.name} is deleted and its history is open`);
      continue;
    }
    const state = states.get(tag.digest);
    if (state === undefined || state === 'deleted')
      complain(`tag ${tag.name} points at a ${state ?? 'absent'} manifest`);
    if (open.length !== 1) complain(`tag ${tag.name} has ${open.length} open intervals`);
    else if (open[0]?.digest !== tag.digest || open[0].version !== tag.version)
      complain(`tag ${tag.name} is ${tag.digest} version ${tag.version}, its open interval says otherwise`);
  }
  for (const [index, row] of history.entries()) {
    const tag = tags.get(row.name);
    if (!tag || row.version > tag.version)
      complain(`history of ${row.name} knows version ${row.version}, the tag does not`);
    const parts = [row.to_ms, row.to_stamp, row.to_actor, row.end_cause];
    if (parts.some((part) => part === null) && parts.some((part) => part !== null))
      complain(`interval ${row.name}@${row.version} is half closed`);
    if (row.to_stamp !== null && row.to_stamp <= row.from_stamp)
      complain(`interval ${row.name}@${row.version} ends at ${row.to_stamp}, before it begins at ${row.from_stamp}`);
    const next = history[index + 1];
    if (next?.name === row.name && (row.to_stamp === null || row.to_stamp > next.from_stamp))
      complain(`intervals ${row.name}@${row.version} and @${next.version} overlap`);
  }
}

async function checkManifests(
  database: Database,
  options: { readonly registryId: number; readonly seal: ContentSeal },
  repository: { readonly id: number; readonly state: string },
  complain: Complain,
): Promise<void> {
  const { registryId, seal } = options;
  const manifests = await database.all(manifestsOf, { repositoryId: repository.id });
  const states = new Map(
    (await database.all(blobsHeldBy, { repositoryId: repository.id })).map((row) => [row.digest, row.state]),
  );
  const live = manifests.filter((row) => row.state !== 'deleted');
  if ((repository.state === 'live') !== live.length > 0)
    complain(`is ${repository.state} with ${live.length} manifests that are not deleted`);
  for (const manifest of live) {
    const body = await database.first(bodyOf, { registryId, kind: 'manifest', digest: manifest.digest });
    if (!body) {
      complain(`manifest ${manifest.digest} has no body`);
      continue;
    }
    const bytes = seal.openBody(registryId, body.codec, body.key_id, body.bytes);
    if (bytes.length !== manifest.size) complain(`manifest ${manifest.digest} has ${bytes.length} bytes`);
    const parsed = parseManifest(bytes, manifest.media_type, { maxIndexWidth: 100_000, maxLayers: 100_000 });
    if (parsed.kind === 'index') continue;
    for (const child of parsed.children.filter((one) => one.distributable)) {
      const state = states.get(child.digest);
      if (state !== 'present') complain(`${child.kind} ${child.digest} of a live manifest is ${state ?? 'not held'}`);
    }
  }
}

async function checkBlobs(database: Database, store: BlobStore, registryId: number, complain: Complain): Promise<void> {
  for (const blob of await database.all(blobsOf, { registryId })) {
    if (blob.state !== 'present') continue;
    const locations = await database.all(locationsOf, { registryId, digest: blob.digest });
    const places = new Set(locations.map((row) => `${row.region_ordinal}/${row.store}`));
    if (locations.length === 0) complain(`blob ${blob.digest} is present and nowhere`);
    if (places.size !== locations.length) complain(`blob ${blob.digest} is twice in one place`);
    for (const { store: place, location } of locations) {
      const row =
        location === '' ? await database.first(bodyOf, { registryId, kind: 'blob', digest: blob.digest }) : null;
      const size = row === null ? (await store.stat(location))?.size : row?.bytes.length;
      if (row === null && place !== store.name) complain(`blob ${blob.digest} is in the store ${place}`);
      if (size !== blob.size) complain(`blob ${blob.digest} has ${size} of ${blob.size} bytes at "${location}"`);
    }
  }
}

/** Every present blob and every manifest has the bytes that its digest names. */
async function checkBytes(
  database: Database,
  store: BlobStore,
  { registryId, seal }: { readonly registryId: number; readonly seal: ContentSeal },
  complain: Complain,
): Promise<void> {
  const rowBytes = async (kind: 'manifest' | 'blob', digest: string) => {
    const row = await database.first(bodyOf, { registryId, kind, digest });
    return row && seal.openBody(registryId, row.codec, row.key_id, row.bytes);
  };
  const hold = (what: string, digest: string, bytes: Uint8Array | undefined) => {
    const found = bytes && digestOf(bytes, algorithmOf(parseDigest(digest)));
    if (found !== digest) complain(`${what} ${digest} has bytes of ${found ?? 'nothing'}`);
  };
  for (const { digest, state } of await database.all(blobsOf, { registryId })) {
    if (state !== 'present') continue;
    for (const { location } of await database.all(locationsOf, { registryId, digest })) {
      hold('blob', digest, location === '' ? await rowBytes('blob', digest) : await objectBytes(store, location));
    }
  }
  for (const { id } of await database.all(repositories, { registryId })) {
    for (const manifest of await database.all(manifestsOf, { repositoryId: id })) {
      if (manifest.state !== 'deleted') hold('manifest', manifest.digest, await rowBytes('manifest', manifest.digest));
    }
  }
}

/** All bytes of an object; undefined when it is not there. */
async function objectBytes(store: BlobStore, location: string): Promise<Uint8Array | undefined> {
  if ((await store.stat(location)) === undefined) return undefined;
  const reader = await store.open(location);
  try {
    const bytes = Buffer.alloc(reader.size);
    return bytes.subarray(0, await reader.read(bytes, 0));
  } finally {
    await reader.close();
  }
}

/** Stamps follow the numbers: those of one writer all of them, those of several processes for each tag. */
async function checkFeed(
  database: Database,
  options: { readonly registryId: number; readonly manyProcesses: boolean },
  complain: Complain,
): Promise<void> {
  const { registryId } = options;
  const oneWriter = database.dialect === 'sqlite' && !options.manyProcesses;
  const last = new Map<string, { stamp: string; request_id: string }>();
  for (const [index, row] of (await database.all(feedOf, { registryId })).entries()) {
    if (row.n !== index + 1) complain(`the feed has ${row.n} in place ${index + 1}`);
    if (!oneWriter && row.tag === null) continue;
    const subject = oneWriter ? '' : `${row.repository}:${row.tag}`;
    const before = last.get(subject);
    // Several tags of one push share its stamp.
    const together = before?.stamp === row.stamp && before.request_id === row.request_id;
    if (before && before.stamp >= row.stamp && !together)
      complain(`change ${row.n} of ${subject} is stamped ${row.stamp}, after ${before.stamp}`);
    last.set(subject, row);
  }
}
