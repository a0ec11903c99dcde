import { type Blob, type Image, randomBlobs, randomImage } from './content.ts';
import type { RegistryClient } from './registry-client.ts';

/** What a load generator does over and over, as data: it crosses to the generator's process. */
export type Work =
  | { readonly kind: 'download'; readonly repository: string; readonly path: string; readonly bytes: number }
  | { readonly kind: 'get-pages'; readonly tokenName: string; readonly paths: readonly string[] }
  | {
      readonly kind: 'requests';
      readonly tokenName: string;
      readonly requests: readonly TextRequest[];
      /** The status of every answer. */
      readonly expected: number;
    }
  | { readonly kind: 'push-blobs'; readonly repository: string; readonly blobBytes: number; readonly streamed: boolean }
  | { readonly kind: 'push-images'; readonly repositories: readonly string[]; readonly blobBytes: number };

/** A request whose body is text. */
export interface TextRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One operation; resolves to the payload bytes it moved. */
export type Operation = (client: RegistryClient) => Promise<number>;

/** Makes all content now (the untimed part) and returns a source of operations that ends after `maxOperations`. */
export function prepareWork(work: Work, maxOperations: number): () => Operation | undefined {
  switch (work.kind) {
    case 'download': {
      const operation: Operation = (client) => download(client, work);
      let left = maxOperations;
      return () => (left-- > 0 ? operation : undefined);
    }
    case 'get-pages': {
      let asked = 0;
      return () => {
        const path = work.paths[asked++ % work.paths.length];
        if (path === undefined || asked > maxOperations) return undefined;
        return (client) => client.get(path, work.tokenName);
      };
    }
    case 'requests': {
      const { tokenName, expected } = work;
      const requests = work.requests.slice(0, maxOperations).map(({ method, path, headers = {}, body }) => ({
        method,
        path,
        headers,
        ...(body === undefined ? {} : { body: Buffer.from(body) }),
      }));
      let asked = 0;
      return () => {
        const request = requests[asked++];
        return request && ((client) => client.ask(request, tokenName, expected));
      };
    }
    case 'push-blobs': {
      const blobs = randomBlobs(maxOperations, work.blobBytes);
      return () => {
        const blob = blobs.pop();
        return blob && ((client) => pushBlob(client, work, blob));
      };
    }
    case 'push-images': {
      const images = Array.from({ length: maxOperations }, () => randomImage(1, work.blobBytes));
      return () => {
        const image = images.pop();
        const repository = work.repositories[images.length % work.repositories.length];
        return image && repository !== undefined
          ? (client) => pushImage(client, repository, { image, tag: tagOf(image) })
          : undefined;
      };
    }
    default:
      return work satisfies never;
  }
}

async function download(client: RegistryClient, work: Work & { kind: 'download' }): Promise<number> {
  const bytes = await client.download(work.repository, work.path);
  if (bytes !== work.bytes) throw new Error(`${work.path} of ${work.repository} has ${bytes} bytes, not ${work.bytes}`);
  return bytes;
}

async function pushBlob(client: RegistryClient, work: Work & { kind: 'push-blobs' }, blob: Blob): Promise<number> {
  await client.pushBlob(work.repository, { ...blob, streamed: work.streamed });
  return blob.bytes.length;
}

/** Pushes as container clients do: HEAD before each blob and before the manifest. */
export async function pushImage(
  client: RegistryClient,
  repository: string,
  { image, tag }: { readonly image: Image; readonly tag: string },
): Promise<number> {
  let bytes = image.manifest.bytes.length;
  for (const blob of [...image.layers, image.config]) {
    if (await client.exists(repository, `blobs/${blob.digest}`)) continue;
    await client.pushBlob(repository, { ...blob, streamed: false });
    bytes += blob.bytes.length;
  }
  await client.exists(repository, `manifests/${tag}`);
  await client.pushManifest(repository, tag, image.manifest.bytes);
  return bytes;
}

/** A tag of its own per image. */
function tagOf(image: Image): string {
  return image.manifest.digest.slice(7, 31);
}
