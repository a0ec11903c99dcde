import { randomBytes } from 'node:crypto';
import { type Credentials, sha256 } from '../clients/_registry-api.ts';
import type { World } from '../clients/_world.ts';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const configType = 'application/vnd.oci.image.config.v1+json';

/** What was pushed. */
export interface Pushed {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  readonly text: string;
}

/** Pushes a small image that no registry has seen, to the first registry; one with a `subject` refers to another. */
export async function pushImage(
  world: World,
  repository: string,
  tag: string | null,
  options: { subject?: Pushed; artifactType?: string } = {},
): Promise<Pushed> {
  const authorization = `Bearer ${await tokenFor(world, world, repository)}`;
  const send = async (method: string, path: string, body: Buffer | null, headers: Record<string, string> = {}) => {
    const answer = await fetch(new URL(path, `http://${world.loginServer}`), {
      method,
      headers: { authorization, ...headers },
      ...(body === null ? {} : { body: new Uint8Array(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const blob = async (mediaType: string, bytes: Buffer) => {
    const digest = sha256(bytes);
    const opened = await send('POST', `/v2/${repository}/blobs/uploads/`, null);
    const at = opened.headers.get('location') ?? '';
    await send('PUT', `${at}${at.includes('?') ? '&' : '?'}digest=${digest}`, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const layer = await blob('application/vnd.oci.image.layer.v1.tar', randomBytes(2048));
  const config = await blob(
    configType,
    Buffer.from(
      JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [layer.digest] } }),
    ),
  );
  const { subject, artifactType } = options;
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    ...(artifactType === undefined ? {} : { artifactType }),
    config,
    layers: [layer],
    ...(subject === undefined
      ? {}
      : { subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size } }),
  });
  const digest = sha256(text);
  await send('PUT', `/v2/${repository}/manifests/${tag ?? digest}`, Buffer.from(text), {
    'content-type': manifestType,
  });
  return { digest, mediaType: manifestType, size: Buffer.byteLength(text), text };
}

async function tokenFor(world: World, { username, password }: Credentials, repository: string): Promise<string> {
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  const scope = encodeURIComponent(`repository:${repository}:pull,push`);
  const answer = await fetch(`http://${world.loginServer}/oauth2/token?service=${world.loginServer}&scope=${scope}`, {
    headers: { authorization: `Basic ${basic}` },
  });
  if (!answer.ok) throw new Error(`the token: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { access_token: string }).access_token;
}
