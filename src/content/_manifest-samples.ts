import { digestOf } from '../kernel/index.ts';

export const ociImage = 'application/vnd.oci.image.manifest.v1+json';
export const ociIndex = 'application/vnd.oci.image.index.v1+json';
export const dockerImage = 'application/vnd.docker.distribution.manifest.v2+json';
export const dockerList = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const ociArtifact = 'application/vnd.oci.artifact.manifest.v1+json';
export const orasArtifact = 'application/vnd.cncf.oras.artifact.manifest.v1+json';

export const digest = (text: string) => digestOf(Buffer.from(text));
export const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digest('config'), size: 10 };
export const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digest('layer'), size: 32 };
export const entry = { mediaType: ociImage, digest: digest('manifest'), size: 500 };
export const image = { schemaVersion: 2, mediaType: ociImage, config, layers: [layer] };
export const index = { schemaVersion: 2, mediaType: ociIndex, manifests: [entry] };
export const artifact = { mediaType: ociArtifact, artifactType: 'application/vnd.example.sbom', blobs: [layer] };
export const untyped = { schemaVersion: 2, config, layers: [layer] };

/** The image with a second layer, some of whose members are replaced. */
export const withLayer = (change: object) => ({ ...image, layers: [layer, { ...layer, ...change }] });
