import type { RegistryResource } from '../../content/index.ts';
import type { ResourceAuthor } from '../../data/index.ts';
import { type PlaneUrls, registryTiers } from '../../kernel/index.ts';
import { fixedProperties } from './fixed-properties.ts';

/** What an answer depends on besides the registry. */
export interface Told {
  readonly apiVersion: string;
  readonly tenantId: string;
  readonly urls: Pick<PlaneUrls, 'registrySuffix'>;
}

type Json = Record<string, unknown>;

/** Stable versions do not have what previews try out. */
export function isPreview(apiVersion: string): boolean {
  return apiVersion.toLowerCase().endsWith('-preview');
}

/** The host of a registry's data plane, as a client that asked so reaches it. */
export function loginServer(name: string, urls: Told['urls']): string {
  return `${name.toLowerCase()}.${urls.registrySuffix}`;
}

/** A registry as the resource manager shows it (AZ-WIRE §4.1). `status` and `networkRuleSet` below Premium are null at Azure: absent. */
export function registryWire(registry: RegistryResource, told: Told): Json {
  return {
    type: 'Microsoft.ContainerRegistry/registries',
    id: registry.resourceId,
    name: registry.resourceName,
    location: registry.location,
    tags: registry.tags,
    sku: { name: registry.sku, tier: registry.sku },
    ...(registry.identityId === null
      ? {}
      : { identity: { type: 'SystemAssigned', principalId: registry.identityId, tenantId: told.tenantId } }),
    systemData: systemData(registry),
    properties: propertiesOf(registry, told),
  };
}

function propertiesOf(registry: RegistryResource, told: Told): Json {
  const preview = isPreview(told.apiVersion);
  const premium = registryTiers[registry.sku].premiumFeatures;
  const properties: Json = {
    loginServer: loginServer(registry.name, told.urls),
    creationDate: new Date(registry.createdMs).toISOString(),
    provisioningState: 'Succeeded',
    adminUserEnabled: registry.adminEnabled,
    anonymousPullEnabled: registry.anonymousPull,
    roleAssignmentMode: registry.roleMode,
    dataEndpointHostNames: [],
    privateEndpointConnections: [],
    ...(preview ? { regionalEndpointHostNames: [] } : {}),
    policies: {
      exportPolicy: { status: statusOf(registry.exportAllowed) },
      azureADAuthenticationAsArmPolicy: { status: statusOf(registry.armTokens) },
    },
  };
  for (const one of fixedProperties) {
    if (one.hidden || (one.preview && !preview) || (one.shownOnPremium && !premium)) continue;
    put(properties, one.path.split('.'), one.value);
  }
  return properties;
}

function put(target: Json, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) target[key] = value;
  else put((target[key] ??= {}) as Json, rest, value);
}

function statusOf(on: boolean): 'enabled' | 'disabled' {
  return on ? 'enabled' : 'disabled';
}

function systemData(registry: RegistryResource): Json {
  const by = (author: ResourceAuthor, at: number): [string, string, string] => [
    author.name,
    author.type,
    new Date(at).toISOString(),
  ];
  const [createdBy, createdByType, createdAt] = by(registry.createdBy, registry.createdMs);
  const [lastModifiedBy, lastModifiedByType, lastModifiedAt] = by(registry.modifiedBy, registry.modifiedMs);
  return { createdBy, createdByType, createdAt, lastModifiedBy, lastModifiedByType, lastModifiedAt };
}
