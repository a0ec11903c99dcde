import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { describeConfig, loadConfig } from '../src/main/config.ts';
import { parseDuration } from '../src/main/config-values.ts';
import { projectRoot } from './steps.ts';

const read = (path: string) => readFile(join(projectRoot, path), 'utf8');
const keys = describeConfig();
const variables = keys.map(({ env }) => env);
const defaultOf = (key: string) => keys.find((row) => row.key === key)?.default ?? '';
/** What a stop takes at most: the grace, and the handlers that come to their end behind it. */
const stopMs = parseDuration(defaultOf('shutdown.grace')) + 10_000;

interface Service {
  readonly image: string;
  readonly ports: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly read_only: boolean;
  readonly user: string;
  readonly stop_grace_period: string;
  readonly ulimits: { readonly nofile: number };
  readonly healthcheck: Readonly<Record<string, unknown>> & { readonly test: readonly string[] };
  readonly secrets?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, unknown>>;
}

/** The value of an instruction of the Dockerfile. */
function instruction(dockerfile: string, name: string): string {
  return new RegExp(`^${name} (.*)$`, 'm').exec(dockerfile)?.[1] ?? '';
}

describe('the unit of systemd', () => {
  const settings = async () => {
    const lines = (await read('deploy/berth.service')).split('\n').filter((line) => /^[A-Z]\w+=/.test(line));
    return lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const);
  };

  test('starts the program with settings that exist', async () => {
    const unit = await settings();
    expect(unit).toContainEqual(['ExecStart', '/opt/berth/bin/berth up']);
    const set = unit.filter(([name]) => name === 'Environment').map(([, value]) => value.split('=')[0]);
    expect(set).toEqual(['BERTH_DATA']);
    expect(variables).toEqual(expect.arrayContaining(set));
    // The folder that systemd makes is the one that the program is told.
    expect(unit).toContainEqual(['Environment', 'BERTH_DATA=/var/lib/berth']);
    expect(unit).toContainEqual(['StateDirectory', 'berth berth-backup']);
  });

  test('lets the server write its data and a backup beside them, and nothing else', async () => {
    const unit = new Map(await settings());
    expect(unit.get('ProtectSystem')).toBe('strict');
    expect(unit.get('StateDirectory')?.split(' ')).toEqual(['berth', 'berth-backup']);
    expect(unit.has('ReadWritePaths')).toBe(false);
    expect(await read('docs/operations.md')).toContain('berth backup --data /var/lib/berth /var/lib/berth-backup');
  });

  test('waits longer for a stop than the server takes, and allows a file for each connection and transfer', async () => {
    const unit = new Map(await settings());
    expect(parseDuration(unit.get('TimeoutStopSec') ?? '')).toBeGreaterThan(stopMs);
    expect(Number(unit.get('LimitNOFILE'))).toBeGreaterThanOrEqual(2 * Number(defaultOf('limits.connections')));
    // The server says nothing to systemd, so a type that waits for its word would never be started.
    expect(unit.get('Type')).toBe('exec');
  });

  test.runIf(spawnSync('systemd-analyze', ['--version']).status === 0)('is understood by systemd', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-unit-'));
    try {
      const file = join(folder, 'berth.service');
      const text = await read('deploy/berth.service');
      await writeFile(file, text.replace('/opt/berth/bin/berth', join(projectRoot, 'bin', 'berth')));
      const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file]);
      expect(`${stdout.toString()}${stderr.toString()}`).toBe('');
      expect(status).toBe(0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the compose file', () => {
  const compose = async () => parse(await read('deploy/compose.yaml')) as Compose;

  test('runs the image as the image is made', async () => {
    const dockerfile = await read('Dockerfile');
    const { version } = JSON.parse(await read('package.json')) as { version: string };
    const { services, volumes } = await compose();
    const berth = services['berth'];
    const port = instruction(dockerfile, 'EXPOSE');
    expect(Object.keys(services)).toEqual(['berth']);
    expect(berth).toMatchObject({ image: `berth:${version}`, read_only: true, user: instruction(dockerfile, 'USER') });
    expect(berth?.ports).toEqual([`127.0.0.1:${port}:${port}`]);
    expect(dockerfile).toContain(`BERTH_HTTPS_LISTEN=0.0.0.0:${port}`);
    expect(berth?.volumes).toEqual([`data:${instruction(dockerfile, 'VOLUME')}`, 'backup:/var/lib/berth-backup']);
    expect(Object.keys(volumes)).toEqual(['data', 'backup']);
  });

  test('has a place for backups that the user of the image may write', async () => {
    const dockerfile = await read('Dockerfile');
    const volume = (await compose()).services['berth']?.volumes.find((one) => one.startsWith('backup:')) ?? '';
    const path = volume.slice('backup:'.length);
    // An engine gives a new volume the owner that the image has at its place.
    expect(dockerfile).toContain(`\nCOPY --chown=${instruction(dockerfile, 'USER')} data ${path}\n`);
    expect(await read('docs/operations.md')).toContain(`exec berth berth backup ${path}`);
  });

  test('looks after its health as the image does', async () => {
    const { healthcheck } = (await compose()).services['berth'] ?? {};
    const [, flags = '', command = ''] = /^HEALTHCHECK (.*?) CMD (.*)$/m.exec(await read('Dockerfile')) ?? [];
    expect(healthcheck?.test).toEqual(['CMD', ...(JSON.parse(command) as string[])]);
    for (const [, name = '', value = ''] of flags.matchAll(/--([a-z-]+)=(\S+)/g)) {
      expect(String(healthcheck?.[name.replace('-', '_')])).toBe(value);
    }
  });

  test('sets what exists, and waits long enough for a stop', async () => {
    const berth = (await compose()).services['berth'];
    expect(variables).toEqual(expect.arrayContaining(Object.keys(berth?.environment ?? {})));
    expect(berth?.environment['BERTH_DOMAIN']).toBe(`\${BERTH_DOMAIN:-${defaultOf('domain')}}`);
    expect(parseDuration(berth?.stop_grace_period ?? '')).toBeGreaterThan(stopMs);
    expect(berth?.ulimits.nofile).toBeGreaterThanOrEqual(2 * Number(defaultOf('limits.connections')));
  });

  test('has a second part that adds PostgreSQL, with its secrets in files', async () => {
    const { services, secrets, volumes } = parse(await read('deploy/compose.postgres.yaml')) as Compose;
    const { berth, postgres } = services;
    expect(variables).toEqual(expect.arrayContaining(Object.keys(berth?.environment ?? {})));
    expect(berth?.environment).toEqual({ BERTH_DATABASE_URL_FILE: '/run/secrets/database-url' });
    expect(berth?.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
    expect(postgres?.environment['POSTGRES_PASSWORD_FILE']).toBe('/run/secrets/postgres-password');
    expect(Object.keys(secrets ?? {}).toSorted()).toEqual(
      [...(berth?.secrets ?? []), ...(postgres?.secrets ?? [])].toSorted(),
    );
    expect(Object.keys(volumes)).toEqual(['postgres']);
  });
});

describe('docs/operations.md', () => {
  test('names settings that exist, with their defaults', async () => {
    const page = await read('docs/operations.md');
    const sections = new Set(keys.map(({ key }) => key.split('.')[0]));
    const named = [...page.matchAll(/`([a-z]+)\.([a-zA-Z]+)`/g)].filter(([, section]) => sections.has(section ?? ''));
    expect(named.length).toBeGreaterThan(10);
    const known = new Set<string>(keys.map(({ key }) => key));
    expect(named.map(([, section, name]) => `${section}.${name}`).filter((key) => !known.has(key))).toEqual([]);
    for (const [, variable = ''] of page.matchAll(/\b(BERTH_[A-Z_]+)=/g)) expect(variables).toContain(variable);
  });

  test('lists every bound with its default', async () => {
    const [, section = ''] = (await read('docs/operations.md')).split('\n## Limits and time-outs\n');
    const rows = section.split('\n').filter((line) => line.startsWith('|'));
    const bounds = keys.filter(({ key }) => /^(?:limits|scrub|fsck|shutdown)\./.test(key));
    expect(bounds.length).toBeGreaterThan(12);
    for (const { key, default: value } of bounds) {
      // As people write it: 4 MiB, 10,000, 30 days.
      const written = (value ?? '')
        .replace(/^(\d+)d$/, '$1 days')
        .replace(/(\d)([a-zA-Z])/, '$1 $2')
        .replace(/^(\d+)(\d{3})$/, '$1,$2');
      const row = rows.find((line) => line.includes(`\`${key}\``)) ?? '';
      expect.soft(row, key).toMatch(new RegExp(`(?<![\\d,])${written}\\b`));
    }
  });

  test('shows configuration files that the program takes', async () => {
    const page = await read('docs/operations.md');
    const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text]) => text);
    expect(blocks.length).toBeGreaterThan(0);
    for (const text of blocks) {
      const loaded = loadConfig({
        flags: { config: 'berth.yaml' },
        env: {},
        home: '/home/one',
        folder: '/',
        readFile: () => text,
      });
      expect(loaded.config.ingress).toMatchObject({
        listen: { host: '127.0.0.1', port: 5080 },
        trusted: '127.0.0.1',
        forwardedHost: false,
      });
    }
  });

  test('names every metric of the program, and no other', async () => {
    const namesIn = (text: string, pattern: RegExp) =>
      [...new Set([...text.matchAll(pattern)].map(([, name]) => name ?? ''))].toSorted();
    const metrics = namesIn(await read('src/main/metrics-page.ts'), /'(berth_\w+)'/g);
    expect(metrics.length).toBeGreaterThan(5);
    expect(namesIn(await read('docs/operations.md'), /`(berth_\w+)`/g)).toEqual(metrics);
  });

  test('names every event of the log', async () => {
    const page = await read('docs/operations.md');
    const [, union = ''] = /^export type LogEvent =([^;]*);$/m.exec(await read('src/main/log.ts')) ?? [];
    const events = [...union.matchAll(/'([a-z-]+)'/g)].map(([, name]) => name ?? '');
    expect(events.length).toBeGreaterThan(10);
    expect(events.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
