import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { ContainerRegistryManagementClient } from '@azure/arm-containerregistry';
import {
  ContainerRegistryClient,
  ContainerRegistryContentClient,
  KnownContainerRegistryAudience,
} from '@azure/container-registry';
import { ClientSecretCredential, UsernamePasswordCredential } from '@azure/identity';

/**
 * What a program with Azure's JavaScript SDKs does, step by step; prints what each step found as one JSON object. A process
 * of its own, because Node reads the authorities that it trusts when it starts.
 */
const given = JSON.parse(await text(process.stdin)) as {
  readonly domain: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly location: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly operator: { readonly username: string; readonly password: string };
};
const { domain, tenantId, subscriptionId, resourceGroup } = given;
const authority = { authorityHost: `https://login.${domain}`, disableInstanceDiscovery: true };
const secret = new ClientSecretCredential(tenantId, given.clientId, given.clientSecret, authority);
const name = 'sdkregistry1';
const endpoint = `https://${name}.${domain}`;

const management = new ContainerRegistryManagementClient(secret, subscriptionId, {
  endpoint: `https://management.${domain}`,
});
const available = await management.registries.checkNameAvailability({
  name,
  type: 'Microsoft.ContainerRegistry/registries',
});

const made = await management.registries.beginCreateAndWait(resourceGroup, name, {
  location: given.location,
  sku: { name: 'Premium' },
  adminUserEnabled: true,
});
const updated = await management.registries.beginUpdateAndWait(resourceGroup, name, {
  tags: { by: 'sdk' },
  anonymousPullEnabled: true,
});
const listed: string[] = [];
for await (const registry of management.registries.list()) listed.push(String(registry.name));
const credentials = await management.registries.listCredentials(resourceGroup, name);
const usages = await management.registries.listUsages(resourceGroup, name);

const pusher = new ContainerRegistryContentClient(endpoint, 'team/app', secret, {
  audience: KnownContainerRegistryAudience.AzureResourceManagerPublicCloud,
});
const config = await pusher.uploadBlob(Buffer.from('{"architecture":"amd64","os":"linux"}'));
const layer = await pusher.uploadBlob(
  Readable.from([Buffer.alloc(3 * 1024 * 1024, 7), Buffer.alloc(3 * 1024 * 1024, 9)]),
);
const manifest = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config.digest, size: config.sizeInBytes },
  layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: layer.digest, size: layer.sizeInBytes }],
};
const set = await pusher.setManifest(manifest, { tag: 'v1' });
const got = await pusher.getManifest('v1');
const blob = await pusher.downloadBlob(layer.digest);
const downloaded = (await buffer(blob.content)).length;

const registry = new ContainerRegistryClient(endpoint, secret, { audience: `https://management.${domain}` });
const repositories: string[] = [];
for await (const one of registry.listRepositoryNames()) repositories.push(one);
const repository = registry.getRepository('team/app');
const properties = await repository.getProperties();
const artifact = registry.getArtifact('team/app', 'v1');
const manifestProperties = await artifact.getManifestProperties();
const tag = await artifact.updateTagProperties('v1', { canWrite: false });
await artifact.updateTagProperties('v1', { canWrite: true });
const tags: string[] = [];
for await (const one of artifact.listTagProperties()) tags.push(one.name);
const manifests: string[] = [];
for await (const one of repository.listManifestProperties({ order: 'LastUpdatedOnDescending' }))
  manifests.push(one.digest);

const anonymous = new ContainerRegistryClient(endpoint);
const seenByAll = await anonymous.getArtifact('team/app', 'v1').getManifestProperties();
const refusedToAll = await anonymous
  .getArtifact('team/app', 'v1')
  .deleteTag('v1')
  .then(
    () => 'allowed',
    (error: { statusCode?: number }) => String(error.statusCode),
  );

await artifact.deleteTag('v1');
await pusher.deleteManifest(set.digest);
await registry.deleteRepository('team/app');
const after: string[] = [];
for await (const one of registry.listRepositoryNames()) after.push(one);

// oxlint-disable-next-line typescript/no-deprecated -- people have it in programs that are older than its deprecation
const person = new UsernamePasswordCredential(
  tenantId,
  '04b07795-8ddb-461a-bbee-02f9e1bf7b46',
  given.operator.username,
  given.operator.password,
  authority,
);
const token = await person.getToken(`https://management.${domain}/.default`);

await management.registries.beginDeleteAndWait(resourceGroup, name);
const gone = await management.registries.get(resourceGroup, name).then(
  () => 'there',
  (error: { code?: string }) => error.code,
);
process.stdout.write(
  JSON.stringify({
    available: available.nameAvailable,
    made: { loginServer: made.loginServer, sku: made.sku?.name, state: made.provisioningState },
    updated: { tags: updated.tags, anonymous: updated.anonymousPullEnabled },
    listed,
    admin: credentials.username,
    usages: usages.value?.map((one) => one.name),
    set: set.digest === got.digest,
    manifest: (got.manifest as typeof manifest).layers[0]?.digest === layer.digest,
    downloaded,
    repositories,
    counts: [properties.manifestCount, properties.tagCount],
    manifestProperties: [manifestProperties.digest === set.digest, manifestProperties.architecture],
    locked: tag.canWrite,
    tags,
    manifests: manifests.length,
    seenByAll: seenByAll.digest === set.digest,
    refusedToAll,
    after,
    token: token.token.split('.').length,
    gone,
  }),
);
