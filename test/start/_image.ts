import { type Account, ask, basic, digestOf, pushBlob } from './_client.ts';

/** Pushes an image of one layer and answers the path and the digest of each part. */
export async function pushImage(account: Account, repository: string, tag: string, layer: Uint8Array) {
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', made: tag }));
  const layerPath = await pushBlob(account, repository, layer);
  await pushBlob(account, repository, config);
  const describe = (bytes: Uint8Array, mediaType: string) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: describe(config, 'application/vnd.oci.image.config.v1+json'),
      layers: [describe(layer, 'application/vnd.oci.image.layer.v1.tar')],
    }),
  );
  const manifestPath = `/v2/${repository}/manifests/${tag}`;
  const { status } = await ask(account.loginServer, manifestPath, {
    method: 'PUT',
    headers: {
      authorization: basic(account.username, account.password),
      'content-type': 'application/vnd.oci.image.manifest.v1+json',
    },
    body: manifest,
  });
  if (status !== 201) throw new Error(`the manifest was answered with ${status}`);
  return { manifestPath, manifest, digest: digestOf(manifest), layerPath, layerDigest: digestOf(layer) };
}

/** One request as the account. */
export function askAs(
  account: Account,
  path: string,
  method = 'GET',
  options: { headers?: Record<string, string>; body?: Uint8Array } = {},
) {
  const authorization = basic(account.username, account.password);
  return ask(account.loginServer, path, { method, ...options, headers: { authorization, ...options.headers } });
}
