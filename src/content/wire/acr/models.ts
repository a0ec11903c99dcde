import { Fault, isObject, parseStrictJson, StrictJsonError } from '../../../kernel/index.ts';
import { type AttributeName, type ChangeableAttributes, lockBits } from '../../locks.ts';
import type { ManifestEntry, RepositoryMetadata, TagMetadata } from '../../metadata.ts';

/** A time as ACR writes it: UTC with seven fractional digits (ACR-FACTS §7). */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}0000Z`;
}

/** `GET /acr/v1/<name>`. */
export function repositoryModel(
  loginServer: string,
  name: string,
  repository: RepositoryMetadata,
): Record<string, unknown> {
  return {
    registry: loginServer,
    imageName: name,
    createdTime: timestamp(repository.createdMs),
    lastUpdateTime: timestamp(repository.updatedMs),
    manifestCount: repository.manifestCount,
    tagCount: repository.tagCount,
    changeableAttributes: repository.attributes,
  };
}

/** An entry of `_tags`. `signed` belonged to Docker content trust, which is gone. */
export function tagModel(tag: TagMetadata): Record<string, unknown> {
  return {
    name: tag.name,
    digest: tag.digest,
    createdTime: timestamp(tag.createdMs),
    lastUpdateTime: timestamp(tag.updatedMs),
    signed: false,
    changeableAttributes: tag.attributes,
  };
}

/** An entry of `_manifests`; what is not known is left out, as ACR does. */
export function manifestModel(manifest: ManifestEntry): Record<string, unknown> {
  return {
    digest: manifest.digest,
    imageSize: manifest.imageSize,
    createdTime: timestamp(manifest.createdMs),
    lastUpdateTime: timestamp(manifest.updatedMs),
    ...(manifest.architecture === null ? {} : { architecture: manifest.architecture }),
    ...(manifest.os === null ? {} : { os: manifest.os }),
    mediaType: manifest.mediaType,
    ...(manifest.configMediaType === null ? {} : { configMediaType: manifest.configMediaType }),
    ...(manifest.artifactType === null ? {} : { artifactType: manifest.artifactType }),
    ...(manifest.tags.length === 0 ? {} : { tags: manifest.tags }),
    ...(manifest.references === null
      ? {}
      : {
          references: manifest.references.map((child) => ({
            digest: child.digest,
            ...(child.architecture === null ? {} : { architecture: child.architecture }),
            ...(child.os === null ? {} : { os: child.os }),
          })),
        }),
    changeableAttributes: manifest.attributes,
  };
}

/** The body of an attribute PATCH: some of the four switches, nothing else. Throws `request-invalid`. */
export function parseAttributes(bytes: Uint8Array): Partial<ChangeableAttributes> {
  let value: unknown;
  try {
    value = parseStrictJson(bytes, { maxDepth: 4 });
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause;
    throw new Fault('request-invalid', `the body is not JSON: ${cause.message}`, { cause });
  }
  if (!isObject(value as never)) throw new Fault('request-invalid', 'the body is not a JSON object of attributes');
  const change: { -readonly [Name in AttributeName]?: boolean } = {};
  for (const [name, enabled] of Object.entries(value as Record<string, unknown>)) {
    if (!Object.hasOwn(lockBits, name)) {
      throw new Fault(
        'request-invalid',
        `"${name.slice(0, 60)}" is not an attribute that can be changed; there are ${Object.keys(lockBits).join(', ')}`,
      );
    }
    if (enabled === null) continue;
    if (typeof enabled !== 'boolean') throw new Fault('request-invalid', `"${name}" is true or false`);
    change[name as AttributeName] = enabled;
  }
  return change;
}
