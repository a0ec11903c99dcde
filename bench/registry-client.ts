import { type Answer, type Connection, type Request } from './connection.ts';
import { imageManifestType } from './content.ts';

/** The verbs of the OCI distribution specification that the rows use, over one connection. */
export interface RegistryClient {
  /** True when HEAD answers 200, false when 404. */
  exists(repository: string, path: string): Promise<boolean>;
  /** GETs any path with the token of that name; returns the size of the body in bytes. */
  get(path: string, tokenName: string): Promise<number>;
  /** Sends any request with the token of that name; returns the size of the answer's body in bytes. */
  ask(request: Request, tokenName: string, expected: number): Promise<number>;
  /** GETs and counts the body; returns its size in bytes. */
  download(repository: string, path: string): Promise<number>;
  /** Uploads by POST and PUT, or by POST, PATCH and PUT when `streamed`. */
  pushBlob(repository: string, blob: { digest: string; bytes: Uint8Array; streamed: boolean }): Promise<void>;
  pushManifest(repository: string, reference: string, bytes: Uint8Array): Promise<void>;
  close(): void;
}

/** A client that sends `tokens[repository]`, where there is one. Any unexpected status is an error that quotes the answer. */
export function registryClient(connection: Connection, tokens: Readonly<Record<string, string>>): RegistryClient {
  const send = async (
    repository: string,
    request: Omit<Request, 'headers'> & { headers?: Record<string, string> },
    expected: readonly number[],
  ): Promise<Answer> => {
    const token = tokens[repository];
    const headers: Record<string, string> = { Accept: acceptHeader, ...request.headers };
    if (token !== undefined) headers['Authorization'] = `Bearer ${token}`;
    const answer = await connection.request({ ...request, headers });
    if (!expected.includes(answer.status)) {
      const found = `${answer.status}: ${answer.beginning.slice(0, 300)}`;
      throw new Error(
        `${request.method} ${request.path.slice(0, 120)} expected ${expected.join(' or ')}, found ${found}`,
      );
    }
    return answer;
  };

  return {
    exists: async (repository, path) => {
      const answer = await send(repository, { method: 'HEAD', path: `/v2/${repository}/${path}` }, [200, 404]);
      return answer.status === 200;
    },
    get: async (path, tokenName) => (await send(tokenName, { method: 'GET', path }, [200])).bodyBytes,
    ask: async (request, tokenName, expected) => (await send(tokenName, request, [expected])).bodyBytes,
    download: async (repository, path) => {
      const answer = await send(repository, { method: 'GET', path: `/v2/${repository}/${path}` }, [200]);
      return answer.bodyBytes;
    },
    pushBlob: async (repository, blob) => {
      const started = await send(repository, { method: 'POST', path: `/v2/${repository}/blobs/uploads/` }, [202]);
      const headers = { 'Content-Type': 'application/octet-stream' };
      let path = locationOf(started);
      if (blob.streamed)
        path = locationOf(await send(repository, { method: 'PATCH', path, headers, body: blob.bytes }, [202]));
      path += `${path.includes('?') ? '&' : '?'}digest=${encodeURIComponent(blob.digest)}`;
      const closing: Omit<Request, 'headers'> = blob.streamed
        ? { method: 'PUT', path }
        : { method: 'PUT', path, body: blob.bytes };
      await send(repository, { ...closing, headers }, [201]);
    },
    pushManifest: async (repository, reference, bytes) => {
      const headers = { 'Content-Type': imageManifestType };
      await send(
        repository,
        { method: 'PUT', path: `/v2/${repository}/manifests/${reference}`, headers, body: bytes },
        [201],
      );
    },
    close: () => connection.close(),
  };
}

/** The Accept header that the container clients send, shortened to the two image types and the two indexes. */
export const acceptHeader = [
  imageManifestType,
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');

function locationOf(answer: Answer): string {
  const location = answer.headers.get('location');
  if (location === undefined) throw new Error(`answer ${answer.status} to an upload step has no Location`);
  const url = new URL(location, 'http://base.invalid');
  return url.pathname + url.search;
}
