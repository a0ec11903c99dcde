import type { RegistrySettings } from '../../content/index.ts';
import { isObject, type JsonObject, type JsonValue, member, type RegistryTier } from '../../kernel/index.ts';
import { ArmError, notThereYet } from '../arm/provider.ts';
import { parseTags } from '../arm/tags.ts';
import { checkFixed, fixedProperties, readOnlyProperties } from './fixed-properties.ts';

/** What a body says of a registry; what it does not say is absent. */
export interface AskedRegistry {
  readonly location?: string;
  readonly identity?: 'SystemAssigned' | 'None';
  readonly settings: Partial<Omit<RegistrySettings, 'identity'>>;
}

type Settings = { -readonly [K in keyof AskedRegistry['settings']]: AskedRegistry['settings'][K] };

const topLevel = new Set(['location', 'tags', 'sku', 'identity', 'properties']);
const readOnlyTopLevel = new Set(['id', 'name', 'type', 'systemData', 'etag']);
const tiers: readonly RegistryTier[] = ['Basic', 'Standard', 'Premium'];

/** Properties that can be set, and what they are in the registry. */
const settable: Readonly<Record<string, (value: JsonValue, target: string, settings: Settings) => void>> = {
  adminUserEnabled(value, target, settings) {
    settings.adminEnabled = truthOf(value, target);
  },
  anonymousPullEnabled(value, target, settings) {
    settings.anonymousPull = truthOf(value, target);
  },
  roleAssignmentMode(value, target, settings) {
    settings.roleMode = wordOf(value, target, ['LegacyRegistryPermissions', 'AbacRepositoryPermissions']);
  },
  'policies.exportPolicy.status'(value, target, settings) {
    settings.exportAllowed = wordOf(value, target, ['enabled', 'disabled']) === 'enabled';
  },
  'policies.azureADAuthenticationAsArmPolicy.status'(value, target, settings) {
    settings.armTokens = wordOf(value, target, ['enabled', 'disabled']) === 'enabled';
  },
};

const fixed = new Map(fixedProperties.map((property) => [property.path, property]));
/** Paths that have something below them. */
const inner = new Set(
  [...fixed.keys(), ...Object.keys(settable), ...readOnlyProperties].flatMap((path) =>
    path.split('.').map((_, index, parts) => parts.slice(0, index).join('.')),
  ),
);

/**
 * Reads the body of a PUT or PATCH. `current` is the tier of a registry that is there, and counts where the body names none.
 * Throws 400 for what this version does not have and for what nobody knows: nothing is taken and then forgotten.
 */
export function askedRegistry(body: JsonObject, current: RegistryTier | null): AskedRegistry {
  for (const key of Object.keys(body)) {
    if (!topLevel.has(key) && !readOnlyTopLevel.has(key)) throw unknownProperty(key);
  }
  const sku = skuOf(member(body, 'sku'));
  const settings: Settings = {};
  if (sku !== undefined) settings.sku = sku;
  const tags = member(body, 'tags');
  if (isGiven(tags)) settings.tags = parseTags(tags);
  readProperties(member(body, 'properties') ?? null, '', sku ?? current ?? 'Standard', settings);
  const location = member(body, 'location');
  if (isGiven(location) && typeof location !== 'string') throw invalid('location', 'must be text');
  const identity = identityOf(member(body, 'identity'));
  return {
    settings,
    ...(typeof location === 'string' ? { location } : {}),
    ...(identity === undefined ? {} : { identity }),
  };
}

function readProperties(value: JsonValue, path: string, tier: RegistryTier, settings: Settings): void {
  const target = path === '' ? 'properties' : `properties.${path}`;
  if (readOnlyProperties.has(path)) return;
  const property = fixed.get(path);
  if (property) {
    checkFixed(property, value, tier);
    return;
  }
  if (value === null && (inner.has(path) || Object.hasOwn(settable, path))) return;
  if (Object.hasOwn(settable, path)) {
    settable[path]?.(value, target, settings);
    return;
  }
  if (!inner.has(path)) throw unknownProperty(target);
  if (!isObject(value)) throw invalid(target, 'must be an object');
  for (const [key, one] of Object.entries(value)) {
    readProperties(one, path === '' ? key : `${path}.${key}`, tier, settings);
  }
}

function skuOf(value: JsonValue | undefined): RegistryTier | undefined {
  if (!isGiven(value)) return undefined;
  const name = isObject(value) ? member(value, 'name') : undefined;
  if (isObject(value)) {
    const other = Object.keys(value).find((key) => key !== 'name' && key !== 'tier');
    if (other !== undefined) throw unknownProperty(`sku.${other}`);
  }
  if (typeof name === 'string' && name.toLowerCase() === 'classic') {
    const message = `'sku.name': Classic registries are no longer made; choose ${tiers.join(', ')}.`;
    throw new ArmError(400, 'SkuNotSupported', message, { target: 'sku.name' });
  }
  return wordOf(name ?? null, 'sku.name', tiers);
}

function identityOf(value: JsonValue | undefined): AskedRegistry['identity'] {
  if (!isGiven(value)) return undefined;
  if (!isObject(value)) throw invalid('identity', 'must be an object');
  for (const key of Object.keys(value)) {
    if (!['type', 'userAssignedIdentities', 'principalId', 'tenantId'].includes(key))
      throw unknownProperty(`identity.${key}`);
  }
  const type = wordOf(member(value, 'type') ?? 'None', 'identity.type', [
    'SystemAssigned',
    'None',
    'UserAssigned',
    'SystemAssigned, UserAssigned',
  ]);
  const assigned = member(value, 'userAssignedIdentities');
  const namesSome = isObject(assigned) && Object.values(assigned).some((one) => one !== null);
  if (type === 'UserAssigned' || type === 'SystemAssigned, UserAssigned' || namesSome) {
    const { status, code, message } = notThereYet('A user-assigned identity');
    const target = namesSome ? 'identity.userAssignedIdentities' : 'identity.type';
    throw new ArmError(status, code, `'${target}': ${message}; a system-assigned one is.`, { target });
  }
  return type;
}

function isGiven<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}

function truthOf(value: JsonValue, target: string): boolean {
  if (typeof value !== 'boolean') throw invalid(target, 'must be true or false');
  return value;
}

function wordOf<const T extends string>(value: JsonValue, target: string, words: readonly T[]): T {
  const found = words.find((word) => typeof value === 'string' && word.toLowerCase() === value.toLowerCase());
  if (found === undefined) throw invalid(target, `must be one of ${words.map((word) => `'${word}'`).join(', ')}`);
  return found;
}

function invalid(target: string, rule: string): ArmError {
  return new ArmError(400, 'InvalidRequestContent', `'${target}' ${rule}.`, { target });
}

function unknownProperty(target: string): ArmError {
  return new ArmError(400, 'InvalidRequestContent', `'${target}' is no property of a registry.`, { target });
}
