import type { Config } from './config-schema.ts';
import { type Secret, secretOf } from './secret.ts';

/** A configuration as plain data for another thread of this process; secrets are bare in it, so it goes nowhere else. */
export type PackedConfig = { readonly packed: unknown };

/** Structured cloning knows no secrets: they hold functions. */
export function packConfig(config: Config): PackedConfig {
  return { packed: packed(config) };
}

/** The configuration again, frozen. */
export function unpackConfig({ packed: value }: PackedConfig): Config {
  return unpacked(value) as Config;
}

/** Stands for a secret. No key of the configuration has this name. */
const mark = '*secret*';

function packed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isSecret(value)) return { [mark]: value.reveal() };
  if (Array.isArray(value)) return value.map(packed);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, packed(inner)]));
}

function unpacked(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (mark in value) return secretOf(String(value[mark]));
  if (Array.isArray(value)) return Object.freeze(value.map(unpacked));
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unpacked(inner)])));
}

function isSecret(value: object): value is Secret {
  return 'reveal' in value && typeof value.reveal === 'function';
}
