import type { Access } from './contenders.ts';
import type { Image } from './content.ts';
import { randomBlobs, randomImage } from './content.ts';
import type { RegistryClient } from './registry-client.ts';
import type { Work } from './work.ts';

/** What a row's load needs from the seeding. */
export interface Seed {
  readonly work: Work;
  /** Repositories that need tokens. */
  readonly repositories: readonly string[];
}

/** One line of the report. */
export interface Row {
  readonly name: string;
  readonly title: string;
  /** `operations`: per second, CPU per operation. `bytes`: MB per second, CPU per GB. */
  readonly counted: 'operations' | 'bytes';
  /** Whether the peer is asked with tokens; Berth always is. */
  readonly peerAccess: Access;
  /** Over TLS 1.3; the peer then wants no tokens. */
  readonly tls: boolean;
  /** Who takes part: the contenders, those and Berth on PostgreSQL, or Berth with one and with two workers. */
  readonly between: 'contenders' | 'contenders-and-postgres' | 'workers';
  readonly connections: number;
  /** Processes that generate the load, each with its share of the connections; otherwise one. */
  readonly generators?: number;
  /** Upper bound of operations in one second of load. Content for all of them is made beforehand. */
  readonly maxPerSecond: number;
  /** Fixed number of operations per measurement, whatever the time; for few and large ones. */
  readonly operations?: number;
  /** wrk may drive it: identical GETs. */
  readonly wrk: boolean;
  /** Each round writes big files that nobody reads again. */
  readonly leavesBigFiles: boolean;
  /** Puts there, through the registry's own API, what the load will ask for. */
  seed(open: (repositories: readonly string[]) => Promise<RegistryClient>): Promise<Seed>;
}

const MB = 1_000_000;
const KiB = 1024;

const manifestRow = (reference: 'tag' | 'digest'): Row => ({
  name: `manifest-${reference}`,
  title: `manifest GET by ${reference}, token, 2 KB, 64 conn`,
  counted: 'operations',
  peerAccess: 'token',
  tls: false,
  between: 'contenders-and-postgres',
  connections: 64,
  maxPerSecond: 200_000,
  wrk: true,
  leavesBigFiles: false,
  seed: async (open) => {
    const repository = 'bench/manifest';
    const image = randomImage(9, 256);
    const client = await open([repository]);
    await pushWhole(client, repository, image);
    client.close();
    const path = `manifests/${reference === 'tag' ? 'latest' : image.manifest.digest}`;
    const work: Work = { kind: 'download', repository, path, bytes: image.manifest.bytes.length };
    return { work, repositories: [repository] };
  },
});

const downloadRow = (megabytes: number, { connections, tls = false }: { connections: number; tls?: boolean }): Row => ({
  name: `blob-get-${megabytes}m${tls ? '-tls' : ''}`,
  title: `blob GET ${megabytes} MB${tls ? ', TLS 1.3' : ''}, ${connections} conn`,
  counted: 'bytes',
  peerAccess: 'anonymous',
  tls,
  between: 'contenders',
  connections,
  maxPerSecond: 10_000 / megabytes,
  wrk: false,
  leavesBigFiles: false,
  seed: async (open) => {
    const repository = `bench/blob${megabytes}`;
    const [blob] = randomBlobs(1, megabytes * MB);
    if (blob === undefined) throw new Error('no blob was made');
    const client = await open([repository]);
    await client.pushBlob(repository, { ...blob, streamed: true });
    client.close();
    const work: Work = { kind: 'download', repository, path: `blobs/${blob.digest}`, bytes: blob.bytes.length };
    return { work, repositories: [repository] };
  },
});

/** Four downloads at once, from two generators: one would be the limit of two workers. */
const workersRow: Row = {
  ...downloadRow(200, { connections: 4, tls: true }),
  name: 'blob-get-200m-workers',
  title: 'blob GET 200 MB, TLS 1.3, 4 conn, two workers against one',
  between: 'workers',
  generators: 2,
};

const uploadRow = (tls: boolean): Row => ({
  name: `blob-upload-200m${tls ? '-tls' : ''}`,
  title: `blob upload 200 MB${tls ? ', TLS 1.3' : ''}, POST+PATCH+PUT, 2 conn`,
  counted: 'bytes',
  peerAccess: 'anonymous',
  tls,
  between: 'contenders',
  connections: 2,
  maxPerSecond: 2,
  operations: 2,
  wrk: false,
  leavesBigFiles: true,
  seed: () => nothingToSeed({ kind: 'push-blobs', repository: 'bench/upload', blobBytes: 200 * MB, streamed: true }),
});

const smallBlobRow: Row = {
  name: 'blob-push-4k',
  title: 'blob push 4 KB, POST+PUT, 16 conn',
  counted: 'operations',
  peerAccess: 'anonymous',
  tls: false,
  between: 'contenders',
  connections: 16,
  maxPerSecond: 10_000,
  wrk: false,
  leavesBigFiles: false,
  seed: () => nothingToSeed({ kind: 'push-blobs', repository: 'bench/small', blobBytes: 4 * KiB, streamed: false }),
};

const imageRow = (name: string, where: string, repositories: readonly string[]): Row => ({
  name,
  title: `image push (2 blobs of 4 KB, manifest), ${where}, 16 conn`,
  counted: 'operations',
  peerAccess: 'anonymous',
  tls: false,
  between: 'contenders-and-postgres',
  connections: 16,
  maxPerSecond: 4000,
  wrk: false,
  leavesBigFiles: false,
  seed: () => nothingToSeed({ kind: 'push-images', repositories, blobBytes: 4 * KiB }),
});

/** Every row, in the order of the report. */
export const rows: readonly Row[] = [
  manifestRow('tag'),
  manifestRow('digest'),
  downloadRow(200, { connections: 2 }),
  downloadRow(10, { connections: 8 }),
  downloadRow(200, { connections: 2, tls: true }),
  uploadRow(false),
  uploadRow(true),
  smallBlobRow,
  imageRow('image-push-one', 'one repository', ['bench/images']),
  imageRow(
    'image-push-spread',
    '100 repositories',
    Array.from({ length: 100 }, (_, index) => `bench/images-${index}`),
  ),
  workersRow,
];

async function nothingToSeed(work: Work & { kind: 'push-blobs' | 'push-images' }): Promise<Seed> {
  return { work, repositories: work.kind === 'push-blobs' ? [work.repository] : work.repositories };
}

async function pushWhole(client: RegistryClient, repository: string, image: Image): Promise<void> {
  for (const blob of [image.config, ...image.layers]) await client.pushBlob(repository, { ...blob, streamed: false });
  await client.pushManifest(repository, 'latest', image.manifest.bytes);
}
