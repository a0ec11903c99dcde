import { dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import { environmentName, flagName, flagProperty, isForeignVariable, keyNames, nearest } from './config-names.ts';
import { absolutePath, type ConfigValue, formatValue, type PathBase, parseValue } from './config-parse.ts';
import { type Config, type ConfigKey, configKeys, type KeyDefinition, type KeyType } from './config-schema.ts';
import { type ListenAddress, parseAddress, parseAddresses } from './config-values.ts';
import { StartRefusal } from './start-refusal.ts';

/** The outside world of `loadConfig`, so that tests can give another. */
export interface ConfigInput {
  /** Flags as commander hands them over, `config` (the file) among them. Properties that are no keys are not looked at. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Current folder, where relative paths of flags and variables begin. */
  readonly folder: string;
  /** The text of a file, or undefined when there is none. */
  readonly readFile: (path: string) => string | undefined;
}

/** Where an effective value came from. */
export type ConfigSource = 'default' | 'file' | 'environment' | 'flag';

/** The configuration with what is needed to explain it. */
export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read, or null. */
  readonly file: string | null;
  readonly values: ReadonlyMap<ConfigKey, { readonly value: ConfigValue; readonly source: ConfigSource }>;
}

/** One key explained: for the documentation, and with `value` and `source` for `berth config show`. */
export interface ConfigRow {
  readonly key: ConfigKey;
  readonly env: string;
  readonly flag: string | null;
  /** What stands after the flag in help texts. */
  readonly flagProperty: string;
  readonly type: KeyType;
  readonly default: string | null;
  readonly otherwise: string | null;
  readonly unit: string | null;
  readonly choices: readonly string[];
  readonly meaning: string;
  readonly value?: string;
  readonly source?: ConfigSource;
}

interface Entry {
  readonly text: string;
  readonly source: ConfigSource;
  /** How an error names the place. */
  readonly place: string;
  readonly base: PathBase;
}

type Entries = Map<ConfigKey, Entry>;

/**
 * Reads the configuration: flags before environment before file before defaults. The file is `--config`, BERTH_CONFIG or
 * `berth.yaml` in the data folder. An empty variable and an empty value in the file count as not set. Throws a
 * StartRefusal of one line for an unknown key or variable (naming the nearest known one) and for an unreadable value.
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const base = { folder: input.folder, home: input.home };
  const flags = readFlags(input.flags, base);
  const env = readEnvironment(input.env, base);
  const named = flagFile(input.flags) ?? (input.env['BERTH_CONFIG'] || undefined);
  const folder = flags.get('data') ?? env.get('data');
  const dataFolder = folder ? absolutePath(folder.text, folder.base) : defaultDataFolder(input);
  const path = named === undefined ? join(dataFolder, 'berth.yaml') : absolutePath(named, base);
  const text = input.readFile(path);
  if (text === undefined && named !== undefined)
    throw new StartRefusal(`the configuration file ${path} does not exist`);
  const file = readYaml(text ?? '', path, { folder: dirname(path), home: input.home });
  if (named === undefined && file.has('data')) {
    throw new StartRefusal(
      `"data" in ${path} names the folder that the file was found in; use --data, BERTH_DATA or --config`,
    );
  }

  const values = new Map<ConfigKey, { value: ConfigValue; source: ConfigSource }>();
  for (const key of keyNames) {
    const entry = flags.get(key) ?? env.get(key) ?? file.get(key);
    values.set(key, {
      value: entry ? readEntry(key, entry) : defaultValue(key, input),
      source: entry?.source ?? 'default',
    });
  }
  readSecretFile(values, input.readFile);
  return Object.freeze({ config: tree(values), file: text === undefined ? null : path, values });
}

/** Explains every key, and with `loaded` also its effective value and where that came from; secrets show as `***`. */
export function describeConfig(loaded?: LoadedConfig): ConfigRow[] {
  return keyNames.map((key) => {
    const definition: KeyDefinition = configKeys[key];
    const found = loaded?.values.get(key);
    return {
      key,
      env: environmentName(key),
      flag: flagName(key),
      flagProperty: flagProperty(key),
      type: definition.type,
      default: definition.default,
      otherwise: definition.otherwise ?? null,
      unit: definition.unit,
      choices: definition.choices ?? [],
      meaning: definition.meaning,
      ...(found ? { value: formatValue(definition, found.value), source: found.source } : {}),
    };
  });
}

function readFlags(flags: ConfigInput['flags'], base: PathBase): Entries {
  const entries: Entries = new Map();
  for (const key of keyNames) {
    const flag = flagName(key);
    const value = flags[flagProperty(key)];
    if (flag === null || value === undefined) continue;
    entries.set(key, { text: scalarText(value, flag), source: 'flag', place: flag, base });
  }
  return entries;
}

function flagFile(flags: ConfigInput['flags']): string | undefined {
  const value = flags['config'];
  return typeof value === 'string' ? value : undefined;
}

function readEnvironment(env: ConfigInput['env'], base: PathBase): Entries {
  const known = new Map(keyNames.map((key) => [environmentName(key), key]));
  const entries: Entries = new Map();
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('BERTH_') || name === 'BERTH_CONFIG' || isForeignVariable(name)) continue;
    const key = known.get(name);
    if (key === undefined) {
      const guess = nearest(name, [...known.keys(), 'BERTH_CONFIG']);
      throw new StartRefusal(`the environment variable ${name} is not known to Berth; did you mean ${guess}?`);
    }
    if (text !== undefined && text !== '') entries.set(key, { text, source: 'environment', place: name, base });
  }
  return entries;
}

function readYaml(text: string, path: string, base: PathBase): Entries {
  const entries: Entries = new Map();
  const content = readDocument(text, path);
  if (content === null || content === undefined) return entries;
  for (const [name, value] of flatten(content, '', path)) {
    if (!isKey(name)) {
      throw new StartRefusal(
        `"${name.slice(0, 100)}" in ${path} is not a known key; did you mean "${nearest(name, keyNames)}"?`,
      );
    }
    if (value === null) continue;
    const place = `${name} in ${path}`;
    const written = Array.isArray(value) && configKeys[name].type === 'addresses' ? value.join(',') : value;
    entries.set(name, { text: scalarText(written, place), source: 'file', place, base });
  }
  return entries;
}

/**
 * The content of a YAML file. Anchors, merge keys and tags have no use in a table of keys and are refused: aliases can make
 * a short text endless.
 */
function readDocument(text: string, path: string): unknown {
  try {
    // Whole numbers as bigint, so that a great one is not rounded before it is checked.
    // Pretty errors would look for their lines in the whole text, one by one, in the square of the time.
    const document = parseDocument(text, { intAsBigInt: true, prettyErrors: false });
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem) {
      const before = text.slice(0, problem.pos[0]).split('\n');
      problem.message += ` at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
      throw problem;
    }
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    const reason = error instanceof RangeError ? 'it is nested too deep' : (error as Error).message.split('\n')[0];
    throw new StartRefusal(`${path} is not valid YAML: ${reason}`, { cause: error });
  }
}

function* flatten(value: unknown, prefix: string, path: string): Generator<[string, unknown]> {
  // No key has more than two parts; what lies deeper belongs to no key, however deep it goes.
  const isLeaf = typeof value !== 'object' || value === null || Array.isArray(value) || prefix.includes('.');
  if (isLeaf) {
    if (prefix === '') throw new StartRefusal(`${path} is not a list of keys and values`);
    yield [prefix, value];
    return;
  }
  for (const [name, inner] of Object.entries(value)) {
    // An empty section such as `limits:` holds nothing.
    if (inner === null && prefix === '' && keyNames.some((key) => key.startsWith(`${name}.`))) continue;
    yield* flatten(inner, prefix === '' ? name : `${prefix}.${name}`, path);
  }
}

function scalarText(value: unknown, place: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  throw new StartRefusal(`${place} needs one value`);
}

function readEntry(key: ConfigKey, entry: Entry): ConfigValue {
  try {
    return parseValue(configKeys[key], entry.text, entry.base);
  } catch (error) {
    if (!(error instanceof StartRefusal)) throw error;
    throw new StartRefusal(`${entry.place}: ${error.message}`, { cause: error });
  }
}

function defaultValue(key: ConfigKey, input: ConfigInput): ConfigValue {
  const definition: KeyDefinition = configKeys[key];
  if (key === 'data') return defaultDataFolder(input);
  if (definition.default === null) return null;
  const { alternatePorts = [] } = definition;
  if (alternatePorts.length === 0) return parseValue(definition, definition.default, input);
  const withPorts = (address: ListenAddress): ListenAddress => ({ ...address, alternatePorts });
  return definition.type === 'addresses'
    ? parseAddresses(definition.default).map(withPorts)
    : withPorts(parseAddress(definition.default));
}

function defaultDataFolder(input: ConfigInput): string {
  return join(input.env['XDG_DATA_HOME'] || join(input.home, '.local', 'share'), 'berth');
}

/** `database.urlFile` is another way to give `database.url`; the program sees only the latter. */
function readSecretFile(
  values: Map<ConfigKey, { value: ConfigValue; source: ConfigSource }>,
  readFile: ConfigInput['readFile'],
): void {
  const file = values.get('database.urlFile');
  if (typeof file?.value !== 'string') return;
  if (values.get('database.url')?.value) {
    throw new StartRefusal('database.url and database.urlFile are both set; keep one');
  }
  const text = readFile(file.value)?.trim();
  if (!text) throw new StartRefusal(`database.urlFile: ${file.value} does not exist or is empty`);
  const value = readEntry('database.url', {
    ...file,
    text,
    place: `database.urlFile (${file.value})`,
    base: { folder: '', home: '' },
  });
  values.set('database.url', { value, source: file.source });
}

function tree(values: LoadedConfig['values']): Config {
  const root: Record<string, unknown> = {};
  for (const [key, { value }] of values) {
    const [section, name] = key.split('.') as [string, string?];
    const target = name === undefined ? root : ((root[section] ??= {}) as Record<string, unknown>);
    target[name ?? section] = freeze(value);
  }
  for (const section of Object.values(root)) Object.freeze(section);
  return Object.freeze(root) as Config;
}

function freeze(value: ConfigValue): ConfigValue {
  if (Array.isArray(value)) for (const item of value) Object.freeze(item);
  return Object.freeze(value);
}

function isKey(name: string): name is ConfigKey {
  return Object.hasOwn(configKeys, name);
}
