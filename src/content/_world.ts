import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fsBlobStore } from '../adapters/blob-fs/index.ts';
import { memoryBlobStore } from '../adapters/blob-memory/index.ts';
import { type ContentSeal, numberFeed, plainSeal, type RequestContext } from '../data/index.ts';
import {
  type ByteRange,
  type Digest,
  digestOf,
  parseDigest,
  parseReference,
  parseRepositoryName,
  parseTag,
  type RepositoryName,
  randomIds,
  type Tag,
} from '../kernel/index.ts';
import type { BlobStore } from '../ports/index.ts';
import { condemnBlob } from './_condemn-fixture.ts';
import { damageBody } from './_damage-fixture.ts';
import type { TestEngine } from './_engines.ts';
import { checkInvariants, locationsOf, pulledAt } from './_invariants.ts';
import { ociImage, ociIndex } from './_manifest-samples.ts';
import {
  blobs,
  bodyCache,
  type ContentEnvironment,
  type ContentLimits,
  catalog,
  manifests,
  metadata,
  pulls,
  type Registry,
  registries,
  uploads,
} from './index.ts';
import { blobRow } from './store/blob-rows-store.ts';
import { readBody } from './store/manifest-store.ts';
import type { UploadBody } from './uploads.ts';

export const hour = 3_600_000;

const limits: ContentLimits = {
  manifestBytes: 4 * 1024 * 1024,
  layerBytes: 8 * 1024 * 1024,
  indexDepth: 3,
  indexWidth: 200,
  openUploadsPerIdentity: 100,
  uploadIdleMs: hour,
  blobLeaseMs: hour,
};

export const repo: (text: string) => RepositoryName = parseRepositoryName;
export const tag: (text: string) => Tag = parseTag;
export const app: RepositoryName = repo('team/app');

/** A request by `actor`. */
export function by(actor: string): RequestContext {
  return {
    requestId: randomIds.id(),
    actor,
    host: 'test',
    method: 'TEST',
    userAgent: 'test',
    address: '127.0.0.1',
    listener: 'test',
    network: 'loopback',
  };
}

/** Bytes that look random and are the same for the same seed. */
export function bytesOf(seed: string, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let made = 0, index = 0; made < size; made += 64, index++) {
    parts.push(createHash('sha512').update(`${seed}:${index}`).digest());
  }
  return Buffer.concat(parts).subarray(0, size);
}

/** A request body. */
export function bodyOf(bytes: Uint8Array, range: ByteRange | null = null): UploadBody {
  return { stream: () => Readable.from(bytes.length === 0 ? [] : [Buffer.from(bytes)]), length: bytes.length, range };
}

export interface WorldOptions {
  readonly engine: TestEngine;
  /** A store in memory, in a folder, or the one that is made here under the world's name. */
  readonly blobs?: 'memory' | 'fs' | ((name: string) => Promise<BlobStore>);
  readonly seal?: ContentSeal;
  readonly limits?: Partial<ContentLimits>;
}

/** An image as a test states it: a config and layers by their contents. */
export interface ImageParts {
  readonly config?: Uint8Array;
  readonly layers?: readonly Uint8Array[];
  readonly tag?: string;
  readonly more?: object;
}

/** The use-cases over one environment, and the few steps that tests repeat. */
export function useCases(environment: ContentEnvironment, registry: Registry, lost: string[] = []) {
  const { database, seal } = environment;
  const pullTimes = pulls(database, environment.clock);
  const bodies = bodyCache({ database, seal, maxBytes: 32 << 20, lost: (digest) => void lost.push(digest) });
  const some = {
    uploads: uploads(environment),
    blobs: blobs(environment, bodies, (digest) => void lost.push(digest)),
    manifests: manifests(environment, bodies, pullTimes),
    metadata: metadata(environment),
    catalog: catalog(database),
    registries: registries(database),
    pulls: pullTimes,
  };

  const session = (repository: RepositoryName, id: string, identity = 'pusher') => ({
    registry,
    repository,
    identity,
    id,
  });

  async function start(repository: RepositoryName = app, identity = 'pusher') {
    const id = await some.uploads.start({ registry, repository, identity }, 'sha256');
    return session(repository, id, identity);
  }

  /** POST, PATCH, PUT. */
  async function pushBlob(repository: RepositoryName, bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes);
    const key = await start(repository);
    await some.uploads.append(key, bodyOf(bytes));
    await some.uploads.finish(key, bodyOf(Buffer.alloc(0)), digest);
    return digest;
  }

  async function readBlob(repository: RepositoryName, digest: Digest): Promise<Buffer> {
    const found = await some.blobs.find(registry, repository, digest);
    const source = await found.open();
    if ('bytes' in source) return Buffer.from(source.bytes);
    const buffer = Buffer.alloc(found.size);
    let at = 0;
    for (let read = -1; read !== 0 && at < buffer.length; at += read) {
      read = await source.reader.read(buffer.subarray(at, at + 100_000), at);
    }
    await source.reader.close();
    return buffer.subarray(0, at);
  }

  async function putManifest(
    repository: RepositoryName,
    manifest: object,
    options: { tag?: string | undefined; tags?: readonly string[]; actor?: string } = {},
  ): Promise<Digest> {
    const bytes = Buffer.from(JSON.stringify(manifest));
    const reference = parseReference(options.tag ?? digestOf(bytes));
    const tags = (options.tags ?? []).map(tag);
    const put = { reference, tags, contentType: null, bytes };
    return (await some.manifests.put(by(options.actor ?? 'pusher'), registry, repository, put)).digest;
  }

  async function imageOf(repository: RepositoryName, parts: ImageParts = {}) {
    const describe = async (bytes: Uint8Array, mediaType: string) => ({
      mediaType,
      digest: await pushBlob(repository, bytes),
      size: bytes.length,
    });
    const config = parts.config ?? Buffer.from('{"architecture":"arm64","os":"linux"}');
    const layers: object[] = [];
    for (const layer of parts.layers ?? [Buffer.from('layer')]) {
      layers.push(await describe(layer, 'application/vnd.oci.image.layer.v1.tar+gzip'));
    }
    return {
      schemaVersion: 2,
      mediaType: ociImage,
      config: await describe(config, 'application/vnd.oci.image.config.v1+json'),
      layers,
      ...parts.more,
    };
  }

  return {
    ...some,
    registry,
    environment,
    session,
    start,
    pushBlob,
    readBlob,
    putManifest,
    imageOf,

    /** Blobs, then the manifest. */
    async pushImage(repository: RepositoryName, parts: ImageParts = {}): Promise<Digest> {
      return putManifest(repository, await imageOf(repository, parts), { tag: parts.tag });
    },

    async pushIndex(repository: RepositoryName, children: readonly Digest[], name?: string): Promise<Digest> {
      const entries = children.map((digest) => ({ mediaType: ociImage, digest, size: 400 }));
      return putManifest(repository, { schemaVersion: 2, mediaType: ociIndex, manifests: entries }, { tag: name });
    },

    find: (repository: RepositoryName, reference: string) =>
      some.manifests.find(registry, repository, parseReference(reference), { pulled: false }),
    untag: (repository: RepositoryName, name: string, actor = 'pusher') =>
      some.manifests.remove(by(actor), registry, repository, { tag: tag(name) }),
    removeManifest: (repository: RepositoryName, digest: string, actor = 'pusher') =>
      some.manifests.remove(by(actor), registry, repository, { digest: parseDigest(digest) }),
    removeRepository: (repository: RepositoryName, actor = 'pusher') =>
      some.metadata.deleteRepository(by(actor), registry, repository),
    lock: (
      repository: RepositoryName,
      target: Parameters<typeof some.metadata.change>[3],
      change: Parameters<typeof some.metadata.change>[4],
    ) => some.metadata.change(by('owner'), registry, repository, target, change),
  };
}

/** A world with one registry of its own inside the engine's database. */
export async function testWorld(options: WorldOptions) {
  const { engine } = options;
  const { database, clock } = engine;
  const name = `world${randomIds.id().slice(0, 12)}`;
  const folder = options.blobs === 'fs' ? await mkdtemp(join(tmpdir(), 'berth-blobs-')) : null;
  const inPlace = folder === null ? memoryBlobStore({ name }) : await fsBlobStore({ directory: folder, name });
  const objects: BlobStore = typeof options.blobs === 'function' ? await options.blobs(name) : inPlace;
  const registry = await registries(database).create(by('owner'), { name, adminEnabled: true, anonymousPull: false });
  const environment: ContentEnvironment = {
    database,
    blobs: objects,
    seal: options.seal ?? plainSeal,
    clock,
    ids: randomIds,
    limits: { ...limits, ...options.limits },
    regionOrdinal: 1,
    sessionKey: new Uint8Array(32).fill(7),
  };
  const lost: string[] = [];
  let manyProcesses = false;

  /** Lets the sequencer number everything. */
  const settle = async (): Promise<void> => {
    while ((await database.transact(numberFeed, { limit: 1000 })) > 0);
  };

  return {
    ...useCases(environment, registry, lost),
    engine,
    database,
    clock,
    objects,
    folder,
    /** Digests reported as lost. */
    lost,
    settle,
    blobRow: (digest: string) => database.first(blobRow, { registryId: registry.id, digest }),
    /** Where a blob is, in no order. */
    locations: async (digest: string) =>
      (await database.all(locationsOf, { registryId: registry.id, digest })).map((row) => row.location),
    body: (kind: 'manifest' | 'blob', digest: string) =>
      database.first(readBody, { registryId: registry.id, kind, digest }),
    pulledMs: async (repository: string, digest: string) =>
      (await database.first(pulledAt, { registryId: registry.id, repository, digest }))?.pulled_ms,
    /** Marks a blob as the collector does before it removes it. */
    condemn: (digest: string) => database.transact(condemnBlob, { registryId: registry.id, digest }),
    /** Puts other bytes, or none, where a body should be. */
    damageBody: (kind: 'manifest' | 'blob', digest: string, bytes: Uint8Array | null) =>
      database.transact(damageBody, { registryId: registry.id, kind, digest, bytes }),
    /** The use-cases as a new process has them; parts of the environment may be others. */
    again(parts: Partial<ContentEnvironment> = {}) {
      manyProcesses ||= (parts.database ?? database) !== database;
      return useCases({ ...environment, ...parts }, registry, lost);
    },
    async check(): Promise<void> {
      await settle();
      await checkInvariants(database, objects, { registryId: registry.id, seal: environment.seal, manyProcesses });
    },
    async [Symbol.asyncDispose]() {
      await objects.close();
      if (folder !== null) await rm(folder, { recursive: true });
    },
  };
}

export type TestWorld = Awaited<ReturnType<typeof testWorld>>;
