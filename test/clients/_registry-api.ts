import { createHash } from 'node:crypto';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface StoredManifest {
  /** Computed from the bytes, not taken from a header. */
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
}

/** What the registry says over plain HTTP, to compare with what a client claims. */
export interface RegistryApi {
  /** Sends a request and, when challenged, once more with a token for the scope that the challenge names. */
  request(method: string, path: string, headers?: Record<string, string>): Promise<Response>;
  manifest(repository: string, reference: string): Promise<StoredManifest>;
  tags(repository: string): Promise<string[]>;
  referrers(repository: string, digest: string): Promise<Descriptor[]>;
}

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

export function registryApi(loginServer: string, credentials: Credentials): RegistryApi {
  const origin = `http://${loginServer}`;

  async function request(method: string, path: string, headers: Record<string, string> = {}): Promise<Response> {
    const challenged = await fetch(`${origin}${path}`, { method, headers });
    const challenge = challenged.headers.get('www-authenticate');
    if (challenged.status !== 401 || challenge === null) return challenged;
    await challenged.arrayBuffer();
    const token = await fetchToken(challenge, credentials);
    return fetch(`${origin}${path}`, { method, headers: { ...headers, authorization: `Bearer ${token}` } });
  }

  async function expectOk(path: string, headers?: Record<string, string>): Promise<Response> {
    const response = await request('GET', path, headers);
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return response;
  }

  return {
    request,
    async manifest(repository, reference) {
      const response = await expectOk(`/v2/${repository}/manifests/${reference}`, { accept: manifestTypes });
      const bytes = Buffer.from(await response.arrayBuffer());
      return { digest: sha256(bytes), mediaType: response.headers.get('content-type') ?? '', bytes };
    },
    async tags(repository) {
      const response = await expectOk(`/v2/${repository}/tags/list`);
      const { tags } = (await response.json()) as { tags: string[] | null };
      return tags ?? [];
    },
    async referrers(repository, digest) {
      const response = await expectOk(`/v2/${repository}/referrers/${digest}`);
      const { manifests } = (await response.json()) as { manifests: Descriptor[] };
      return manifests;
    },
  };
}

export function sha256(bytes: Buffer | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function fetchToken(challenge: string, { username, password }: Credentials): Promise<string> {
  const part = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
  const realm = part('realm');
  if (!challenge.startsWith('Bearer ') || realm === undefined) throw new Error(`no Bearer challenge: ${challenge}`);
  const url = new URL(realm);
  for (const name of ['service', 'scope']) {
    const value = part(name);
    if (value !== undefined) url.searchParams.set(name, value);
  }
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  const response = await fetch(url, { headers: { authorization: `Basic ${basic}` } });
  if (!response.ok) throw new Error(`GET ${url.pathname}: ${response.status} ${await response.text()}`);
  const body = (await response.json()) as { access_token?: string; token?: string };
  const token = body.access_token ?? body.token;
  if (token === undefined) throw new Error(`GET ${url.pathname} answered without a token`);
  return token;
}
