import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type ConfigInput, describeConfig, loadConfig } from './config.ts';
import { StartRefusal } from './start-refusal.ts';

type World = Partial<Omit<ConfigInput, 'readFile'>> & { files?: Record<string, string> };

function load(world: World = {}) {
  return loadConfig({
    flags: world.flags ?? {},
    env: world.env ?? {},
    home: world.home ?? '/home/ann',
    folder: world.folder ?? '/current',
    readFile: (path) => world.files?.[path],
  });
}

const defaultFile = '/home/ann/.local/share/berth/berth.yaml';

/** The one line that refuses a configuration. */
function refusal(world: World): string {
  try {
    load(world);
  } catch (error) {
    if (error instanceof StartRefusal && !error.message.includes('\n')) return error.message;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('without any source', () => {
  const { config, file } = load();

  test('every key has its default', () => {
    expect(file).toBeNull();
    expect(config).toMatchObject({
      data: '/home/ann/.local/share/berth',
      domain: 'berth.localhost',
      registry: { name: null },
      management: { listen: null },
      database: { url: null, urlFile: null },
      region: { name: 'local' },
      limits: {
        manifestBytes: 4_194_304,
        layerBytes: 214_748_364_800,
        uploadIdle: 86_400_000,
        headerBytes: 16_384,
        slowClient: 60_000,
      },
      tokens: { accessLifetime: 4_500_000, refreshLifetime: 10_800_000 },
      collect: { blobLease: 86_400_000 },
      log: { level: 'info', access: true },
      shutdown: { grace: 30_000 },
    });
  });

  test('only the default listeners may move to other ports', () => {
    expect(config.http.listen).toMatchObject({ host: '127.0.0.1', port: 5000 });
    expect(config.http.listen?.alternatePorts[0]).toBe(5001);
    expect(config.https.listen).toHaveLength(1);
    expect(config.https.listen[0]).toMatchObject({ host: '127.0.0.1', port: 443 });
    expect(config.https.listen[0]?.alternatePorts[0]).toBe(8443);
    const configured = load({ env: { BERTH_HTTP_LISTEN: '127.0.0.1:5000' }, flags: { httpsListen: '127.0.0.1:443' } });
    expect(configured.config.http.listen?.alternatePorts).toEqual([]);
    expect(configured.config.https.listen[0]?.alternatePorts).toEqual([]);
  });

  test('the data folder follows XDG_DATA_HOME', () => {
    expect(load({ env: { XDG_DATA_HOME: '/xdg' } }).config.data).toBe('/xdg/berth');
  });

  test('everything is frozen', () => {
    const frozen = [
      config,
      config.http,
      config.http.listen,
      config.https.listen,
      config.https.listen[0],
      config.limits,
    ];
    for (const part of frozen) expect(Object.isFrozen(part)).toBe(true);
  });
});

describe('the order of sources', () => {
  const files = { [defaultFile]: 'domain: file.example\nlog: { level: warn }\nlimits:\n  indexDepth: 7\n' };

  test('a flag wins over a variable, a variable over the file, the file over the default', () => {
    const { config, values } = load({
      files,
      env: { BERTH_DOMAIN: 'env.example', BERTH_LOG_LEVEL: 'error' },
      flags: { domain: 'flag.example' },
    });
    expect(config.domain).toBe('flag.example');
    expect(config.log.level).toBe('error');
    expect(config.limits.indexDepth).toBe(7);
    expect(
      ['domain', 'log.level', 'limits.indexDepth', 'log.access'].map((key) => values.get(key as never)?.source),
    ).toEqual(['flag', 'environment', 'file', 'default']);
  });

  test('an empty variable and an empty section count as not set', () => {
    const world = { files: { [defaultFile]: 'limits:\nregistry:\n  name:\n' }, env: { BERTH_DOMAIN: '' } };
    expect(load(world).config.domain).toBe('berth.localhost');
  });

  test('the file is looked for in the data folder that flag or variable name', () => {
    expect(
      load({ env: { BERTH_DATA: 'here' }, files: { '/current/here/berth.yaml': 'domain: a.b' } }).config.domain,
    ).toBe('a.b');
    expect(load({ flags: { data: '~/d' }, files: { '/home/ann/d/berth.yaml': 'domain: a.c' } }).config.domain).toBe(
      'a.c',
    );
  });

  test('--config and BERTH_CONFIG name another file, and its paths begin in its folder', () => {
    const other = { '/etc/berth/b.yaml': 'data: store' };
    expect(load({ flags: { config: '/etc/berth/b.yaml' }, files: other }).config.data).toBe('/etc/berth/store');
    expect(load({ env: { BERTH_CONFIG: '/etc/berth/b.yaml' }, files: other }).file).toBe('/etc/berth/b.yaml');
    expect(refusal({ flags: { config: 'gone.yaml' } })).toBe(
      'the configuration file /current/gone.yaml does not exist',
    );
  });

  test('a file in the data folder cannot name another data folder', () => {
    expect(refusal({ files: { [defaultFile]: 'data: /elsewhere' } })).toMatch(/use --data, BERTH_DATA or --config/);
  });
});

describe('what is not known', () => {
  test.each([
    ['htps:\n  listen: off', 'htps.listen', 'https.listen'],
    ['limits:\n  manifestBits: 1', 'limits.manifestBits', 'limits.manifestBytes'],
    ['Domain: a.b', 'Domain', 'domain'],
    ['http: 5000', 'http', 'http.listen'],
    ['constructor: 1', 'constructor', ''],
  ])('a key of the file is refused with the nearest one: %j', (text, unknown, guess) => {
    expect(refusal({ files: { [defaultFile]: text } })).toContain(
      `"${unknown}" in ${defaultFile} is not a known key; did you mean "${guess}`,
    );
  });

  test('a variable is refused with the nearest one', () => {
    expect(refusal({ env: { BERTH_DOMIAN: 'a.b' } })).toBe(
      'the environment variable BERTH_DOMIAN is not known to Berth; did you mean BERTH_DOMAIN?',
    );
  });

  test('variables that Kubernetes makes for a service named berth, and those of tests, are let be', () => {
    const env = {
      BERTH_SERVICE_HOST: '10.0.0.1',
      BERTH_SERVICE_PORT: '443',
      BERTH_SERVICE_PORT_HTTPS: '443',
      BERTH_PORT: 'tcp://10.0.0.1:443',
      BERTH_PORT_443_TCP: 'tcp://10.0.0.1:443',
      BERTH_PORT_443_TCP_PROTO: 'tcp',
      BERTH_METRICS_PORT_9000_TCP_ADDR: '10.0.0.1',
      BERTH_TEST_POSTGRES: '1',
      BERTH_AZ: '/usr/bin/az',
    };
    expect(load({ env }).config).toEqual(load().config);
  });

  test.each(['a: [', 'domain: a.b\ndomain: c.d', '- list', 'just words', 'domain: {a: b}', 'domain: [a.b]'])(
    'a file that holds %j is refused in one line',
    (text) => {
      expect(refusal({ files: { [defaultFile]: text } })).toContain(defaultFile);
    },
  );
});

describe('values', () => {
  test.each([
    ['BERTH_DOMAIN', 'localhost', 'one label, and no client accepts a certificate for *.localhost; use two or more'],
    ['BERTH_DOMAIN', '-a.example', 'not a DNS name'],
    ['BERTH_DOMAIN', 'a..example', 'not a DNS name'],
    ['BERTH_DOMAIN', 'a_b.example', 'not a DNS name'],
    ['BERTH_DOMAIN', `${'a'.repeat(64)}.example`, 'not a DNS name'],
    ['BERTH_DOMAIN', `${'a.'.repeat(80)}example`, 'leaves no room'],
    ['BERTH_DOMAIN', '10.0.0.1', 'looks like an IP address'],
    ['BERTH_REGISTRY_NAME', 'four', '5 to 50 letters and digits'],
    ['BERTH_REGISTRY_NAME', 'a'.repeat(51), '5 to 50 letters and digits'],
    ['BERTH_REGISTRY_NAME', 'with-dash', '5 to 50 letters and digits'],
    ['BERTH_REGISTRY_NAME', 'Login', "one of Berth's own hosts"],
    ['BERTH_REGISTRY_NAME', 'management', "one of Berth's own hosts"],
    ['BERTH_REGION_NAME', 'eu', 'not a region name'],
    ['BERTH_HTTP_LISTEN', '0.0.0.0:5000', 'not a loopback address: passwords would cross the network unencrypted'],
    ['BERTH_HTTP_LISTEN', '[::]:5000', 'not a loopback address'],
    ['BERTH_HTTP_LISTEN', '5000', 'not HOST:PORT'],
    ['BERTH_HTTP_LISTEN', '127.0.0.1:65536', 'not HOST:PORT'],
    ['BERTH_HTTPS_LISTEN', 'example.com:443', 'not an IP address'],
    ['BERTH_HTTPS_LISTEN', '127.0.0.1:443,', 'not HOST:PORT'],
    ['BERTH_LIMITS_UPLOAD_IDLE', '24', 'not a duration'],
    ['BERTH_LIMITS_UPLOAD_IDLE', '1.5h', 'not a duration'],
    ['BERTH_LIMITS_UPLOAD_IDLE', '1s', '1s is too small; at least 1m'],
    ['BERTH_LIMITS_HEADER_BYTES', '1GiB', '1GiB is too great; at most 1MiB'],
    ['BERTH_LIMITS_LAYER_BYTES', '200GB', 'not a size'],
    ['BERTH_LIMITS_LAYER_BYTES', '9999999TiB', 'not a size'],
    ['BERTH_LIMITS_INDEX_DEPTH', '0', 'from 1 to 32'],
    ['BERTH_LIMITS_INDEX_DEPTH', '2.5', 'from 1 to 32'],
    ['BERTH_LOG_LEVEL', 'loud', 'none of trace, debug, info'],
    ['BERTH_LOG_ACCESS', 'yes', 'neither true nor false'],
    ['BERTH_DATABASE_URL', 'mysql://user:hunter2@db/x', 'not a postgres:// address'],
  ])('%s=%s is refused, naming the variable', (name, value, reason) => {
    const message = refusal({ env: { [name]: value } });
    expect(message).toContain(`${name}: `);
    expect(message).toContain(reason);
    expect(message).not.toContain('hunter2');
  });

  test('a wrong value names its place: flag, or key and file', () => {
    expect(refusal({ flags: { logLevel: 'loud' } })).toMatch(/^--log-level: "loud"/);
    expect(refusal({ files: { [defaultFile]: 'log: {level: loud}' } })).toContain(
      `log.level in ${defaultFile}: "loud"`,
    );
  });

  test('listeners may be off, loopback of any kind, or port 0', () => {
    const { config } = load({ env: { BERTH_HTTP_LISTEN: 'off', BERTH_HTTPS_LISTEN: 'off' } });
    expect(config.http.listen).toBeNull();
    expect(config.https.listen).toEqual([]);
    for (const host of ['127.0.0.2', '[::1]', 'localhost']) {
      expect(load({ flags: { httpListen: `${host}:0` } }).config.http.listen).toMatchObject({ port: 0 });
    }
  });

  test('several TLS addresses come from a list in the file or from commas', () => {
    const hosts = ['0.0.0.0', '::'];
    const file = load({ files: { [defaultFile]: 'https:\n  listen:\n    - 0.0.0.0:443\n    - "[::]:443"\n' } });
    expect(file.config.https.listen.map(({ host }) => host)).toEqual(hosts);
    const env = load({ env: { BERTH_HTTPS_LISTEN: '0.0.0.0:443, [::]:443' } });
    expect(env.config.https.listen.map(({ host }) => host)).toEqual(hosts);
  });

  test('sizes take units or plain numbers, whole numbers of the file included', () => {
    expect(load({ files: { [defaultFile]: 'limits: { manifestBytes: 8388608 }' } }).config.limits.manifestBytes).toBe(
      8_388_608,
    );
    expect(load({ env: { BERTH_LIMITS_LAYER_BYTES: '1 TiB' } }).config.limits.layerBytes).toBe(2 ** 40);
  });

  test('the domain is made lower case', () => {
    expect(load({ flags: { domain: 'Registry.Example.COM' } }).config.domain).toBe('registry.example.com');
  });
});

describe('the database address', () => {
  const address = 'postgres://berth:hunter2@db.example/berth';

  test('prints as *** in every way, and reveals itself when asked', () => {
    const loaded = load({ env: { BERTH_DATABASE_URL: address } });
    const { url } = loaded.config.database;
    expect(url?.reveal()).toBe(address);
    const printed = [
      String(url),
      JSON.stringify(loaded.config),
      inspect(loaded, { depth: 10 }),
      JSON.stringify(describeConfig(loaded)),
    ];
    for (const text of printed) {
      expect(text).toContain('***');
      expect(text).not.toContain('hunter2');
    }
  });

  test('may come from a file, whose last line end is not part of it', () => {
    const { config } = load({ env: { BERTH_DATABASE_URL_FILE: '/run/db' }, files: { '/run/db': `${address}\n` } });
    expect(config.database.url?.reveal()).toBe(address);
  });

  test('is refused when given twice, absent or empty', () => {
    const env = { BERTH_DATABASE_URL_FILE: '/run/db' };
    expect(refusal({ env: { ...env, BERTH_DATABASE_URL: address }, files: { '/run/db': address } })).toMatch(
      /both set/,
    );
    expect(refusal({ env })).toMatch(/does not exist or is empty/);
    expect(refusal({ env, files: { '/run/db': ' \n' } })).toMatch(/does not exist or is empty/);
    expect(refusal({ env, files: { '/run/db': 'hunter2' } })).not.toContain('hunter2');
  });

  test('has no flag', () => {
    expect(load({ flags: { databaseUrl: address } }).config.database.url).toBeNull();
  });
});

describe('the description', () => {
  test('names variable, flag, default and meaning of every key', () => {
    const rows = describeConfig();
    expect(rows.find(({ key }) => key === 'limits.openUploadsPerIdentity')).toMatchObject({
      env: 'BERTH_LIMITS_OPEN_UPLOADS_PER_IDENTITY',
      flag: '--limits-open-uploads-per-identity',
      flagProperty: 'limitsOpenUploadsPerIdentity',
      default: '500',
      unit: 'uploads',
    });
    for (const row of rows) {
      expect(row.meaning).toMatch(/\.$/);
      expect(row.default ?? row.otherwise).not.toBeNull();
      expect(row).not.toHaveProperty('value');
    }
    expect(new Set(rows.map(({ env }) => env)).size).toBe(rows.length);
  });

  test('shows effective values in a form that reads back to the same configuration', () => {
    const world = { env: { BERTH_HTTPS_LISTEN: '[::1]:8443,127.0.0.1:8443', BERTH_LIMITS_SLOW_CLIENT: '1500ms' } };
    const loaded = load(world);
    const rows = describeConfig(loaded).filter(({ value }) => value !== '');
    const again = load({ flags: Object.fromEntries(rows.map(({ flagProperty, value }) => [flagProperty, value])) });
    expect(again.config.limits).toEqual(loaded.config.limits);
    expect(again.config.https).toEqual(loaded.config.https);
    expect(rows.find(({ key }) => key === 'limits.slowClient')).toMatchObject({
      value: '1500ms',
      source: 'environment',
    });
    expect(rows.find(({ key }) => key === 'limits.layerBytes')).toMatchObject({ value: '200GiB', source: 'default' });
  });
});
