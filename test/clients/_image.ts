import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { locate } from '../../tools/clients/locate.ts';
import { sha256 } from './_registry-api.ts';
import type { Shell } from './_shell.ts';

/** What a container of a test image prints. */
export const greeting = 'hello from berth';

/** An OCI layout on disk, made without any client, so that every digest is known before the first push. */
export interface Layout {
  readonly path: string;
  readonly tag: string;
  /** Digest of what the tag names: a manifest, or an index when there are several platforms. */
  readonly digest: string;
  readonly manifests: readonly Blob[];
  readonly layers: readonly Blob[];
}

export interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface ImageOptions {
  /** More than one gives an index. */
  readonly architectures?: readonly string[];
  /** Size of a second layer that cannot be compressed. */
  readonly extraBytes?: number;
  /** A folder whose files are one more layer. */
  readonly files?: string;
}

/** Writes a runnable image: busybox that prints the greeting. Each call makes content no registry has seen. */
export async function writeImage(shell: Shell, name: string, options: ImageOptions = {}): Promise<Layout> {
  const path = join(shell.home, name);
  await mkdir(join(path, 'blobs', 'sha256'), { recursive: true });
  const busybox = await busyboxTree(join(shell.home, `${name}-root`));
  const extra = join(shell.home, `${name}-extra`);
  await mkdir(extra);
  await writeFile(join(extra, 'payload'), randomBytes(options.extraBytes ?? 1024));

  const layers: Blob[] = [];
  const diffIds: string[] = [];
  for (const folder of [busybox, extra, ...(options.files === undefined ? [] : [options.files])]) {
    const archive = join(shell.home, `${name}.tar`);
    await shell.run('tar', ['-cf', archive, '-C', folder, '.']);
    const tar = await readFile(archive);
    diffIds.push(sha256(tar));
    layers.push(await writeBlob(path, 'application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(tar, { level: 1 })));
  }

  const manifests: Blob[] = [];
  const platforms = options.architectures ?? ['amd64'];
  for (const architecture of platforms) {
    const config = await writeJson(path, 'application/vnd.oci.image.config.v1+json', {
      architecture,
      os: 'linux',
      config: { Cmd: ['/bin/busybox', 'echo', greeting] },
      rootfs: { type: 'layers', diff_ids: diffIds },
    });
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    manifests.push(await writeJson(path, mediaType, { schemaVersion: 2, mediaType, config, layers }));
  }
  const top = platforms.length === 1 ? manifests[0] : await writeIndex(path, manifests, platforms);
  if (top === undefined) throw new Error('an image needs an architecture');

  const tag = 'v1';
  const named = { ...top, annotations: { 'org.opencontainers.image.ref.name': tag } };
  await writeFile(join(path, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }));
  await writeFile(join(path, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  return { path, tag, digest: top.digest, manifests, layers };
}

/** Writes a build context: busybox that prints the greeting, and a second layer that cannot be compressed. */
export async function writeBuildContext(shell: Shell, name: string, extraBytes: number): Promise<string> {
  const folder = join(shell.home, name);
  await busyboxTree(folder);
  await writeFile(join(folder, 'payload'), randomBytes(extraBytes));
  const lines = ['FROM scratch', 'COPY bin /bin', 'COPY payload /payload'];
  await writeFile(join(folder, 'Dockerfile'), [...lines, `CMD ["/bin/busybox", "echo", "${greeting}"]`, ''].join('\n'));
  return folder;
}

async function busyboxTree(folder: string): Promise<string> {
  const busybox = locate('busybox');
  if (busybox === undefined) throw new Error('the test image is made of busybox-static, which is not installed');
  await mkdir(join(folder, 'bin'), { recursive: true });
  await copyFile(busybox, join(folder, 'bin', 'busybox'));
  // Clients remember between runs where they saw a layer: one that is new each time cannot be remembered.
  await writeFile(join(folder, 'bin', 'stamp'), randomBytes(16));
  return folder;
}

function writeIndex(path: string, manifests: readonly Blob[], platforms: readonly string[]): Promise<Blob> {
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const entries = manifests.map((blob, i) => ({ ...blob, platform: { os: 'linux', architecture: platforms[i] } }));
  return writeJson(path, mediaType, { schemaVersion: 2, mediaType, manifests: entries });
}

function writeJson(path: string, mediaType: string, value: object): Promise<Blob> {
  return writeBlob(path, mediaType, Buffer.from(JSON.stringify(value)));
}

async function writeBlob(path: string, mediaType: string, bytes: Buffer): Promise<Blob> {
  const digest = sha256(bytes);
  await writeFile(join(path, 'blobs', 'sha256', digest.slice('sha256:'.length)), bytes);
  return { mediaType, digest, size: bytes.length };
}
