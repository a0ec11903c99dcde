import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../clients/_registry-api.ts';
import type { Shell } from '../clients/_shell.ts';
import { describe, expect, lacks } from '../clients/_test.ts';
import { test } from '../clients/_tls-test.ts';
import type { World } from '../clients/_world.ts';

const configType = 'application/vnd.cncf.helm.config.v1+json';
const chartType = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';

function loginArgs({ loginServer, username }: World): string[] {
  return ['registry', 'login', loginServer, '-u', username, '--password-stdin', '--plain-http'];
}

/** Packages helm's own example chart. Returns the name of the file. */
async function packageChart(shell: Shell, name: string, version = '0.1.0'): Promise<string> {
  await shell.run('helm', ['create', name]);
  await shell.run('helm', ['package', name, '--version', version]);
  return `${name}-${version}.tgz`;
}

async function push(shell: Shell, file: string, target: string): Promise<string> {
  const { stdout, stderr } = await shell.run('helm', ['push', file, target, '--plain-http']);
  const digest = /Digest: (sha256:[0-9a-f]{64})/.exec(`${stdout}${stderr}`)?.[1];
  if (digest === undefined) throw new Error(`helm push named no digest: ${stdout}${stderr}`);
  return digest;
}

async function pull(shell: Shell, chart: string, into: string, ...args: string[]): Promise<Buffer> {
  await mkdir(join(shell.home, into));
  await shell.run('helm', ['pull', chart, '--plain-http', '--destination', into, ...args]);
  const { stdout } = await shell.run('ls', [into]);
  return readFile(join(shell.home, into, stdout.trim()));
}

describe.skipIf(lacks('helm'))('helm', () => {
  test('a wrong password is refused, and logout ends access', async ({ world, shell }) => {
    const wrong = await shell.refused('helm', loginArgs(world), { input: 'not the password' });
    expect(wrong.stderr).toContain('user name or password is wrong');
    const file = await packageChart(shell, 'login');
    const registry = `oci://${world.loginServer}/helm`;
    await shell.refused('helm', ['push', file, registry, '--plain-http']);

    await shell.run('helm', loginArgs(world), { input: world.password });
    await push(shell, file, registry);
    await shell.run('helm', ['registry', 'logout', world.loginServer]);
    const pulling = ['pull', `${registry}/login`, '--version', '0.1.0', '--plain-http'];
    expect((await shell.refused('helm', pulling)).stderr).toContain('authentication required');
  });

  test('pushes a chart and pulls the same bytes by version, range and digest', async ({ world, shell }) => {
    await shell.run('helm', loginArgs(world), { input: world.password });
    const file = await packageChart(shell, 'app');
    const registry = `oci://${world.loginServer}/helm`;
    const digest = await push(shell, file, registry);
    const bytes = await readFile(join(shell.home, file));

    const stored = await world.api.manifest('helm/app', '0.1.0');
    expect(stored).toMatchObject({ digest, mediaType: 'application/vnd.oci.image.manifest.v1+json' });
    expect(JSON.parse(stored.bytes.toString())).toMatchObject({
      config: { mediaType: configType },
      layers: [{ mediaType: chartType, digest: sha256(bytes) }],
    });
    expect((await pull(shell, `${registry}/app`, 'exact', '--version', '0.1.0')).equals(bytes)).toBe(true);
    expect((await pull(shell, `${registry}/app@${digest}`, 'digest')).equals(bytes)).toBe(true);

    // A second push of the same package changes nothing; a newer one is what a range finds.
    expect(await push(shell, file, registry)).toBe(digest);
    const newer = await push(shell, await packageChart(shell, 'app', '0.1.5'), registry);
    expect((await world.api.manifest('helm/app', '0.1.0')).digest).toBe(digest);
    const ranged = sha256(await pull(shell, `${registry}/app`, 'range', '--version', '~0.1.0'));
    const { layers } = JSON.parse((await world.api.manifest('helm/app', newer)).bytes.toString()) as {
      layers: [{ digest: string }];
    };
    expect(ranged).toBe(layers[0].digest);
    await shell.refused('helm', ['pull', `${registry}/app`, '--version', '9.9.9', '--plain-http']);
  });

  test('shows, templates and depends on a chart', async ({ world, shell }) => {
    await shell.run('helm', loginArgs(world), { input: world.password });
    const registry = `oci://${world.loginServer}/helm`;
    await push(shell, await packageChart(shell, 'child'), registry);
    const child = [`${registry}/child`, '--version', '0.1.0', '--plain-http'];
    expect((await shell.run('helm', ['show', 'chart', ...child])).stdout).toContain('name: child');
    expect((await shell.run('helm', ['template', 'release', ...child])).stdout).toContain('kind: Deployment');

    await mkdir(join(shell.home, 'parent', 'templates'), { recursive: true });
    const dependency = [`- name: child`, `  version: "~0.1.0"`, `  repository: ${registry}`];
    const chart = ['apiVersion: v2', 'name: parent', 'version: 1.0.0', 'dependencies:', ...dependency, ''];
    await writeFile(join(shell.home, 'parent', 'Chart.yaml'), chart.join('\n'));
    await shell.run('helm', ['dependency', 'update', 'parent', '--plain-http']);
    expect((await shell.run('ls', ['parent/charts'])).stdout.trim()).toBe('child-0.1.0.tgz');
  });

  test('keeps a version with build metadata under a tag without the plus', async ({ world, shell }) => {
    await shell.run('helm', loginArgs(world), { input: world.password });
    const registry = `oci://${world.loginServer}/helm`;
    const file = await packageChart(shell, 'plus', '1.0.0+build.5');
    await push(shell, file, registry);
    expect(await world.api.tags('helm/plus')).toEqual(['1.0.0_build.5']);
    const back = await pull(shell, `${registry}/plus`, 'back', '--version', '1.0.0+build.5');
    expect(back.equals(await readFile(join(shell.home, file)))).toBe(true);
  });

  test('pushes a provenance file beside the chart and pulls both', async ({ world, shell }) => {
    await shell.run('helm', loginArgs(world), { input: world.password });
    const file = await packageChart(shell, 'signed');
    // What is in it is between its maker and its reader: helm push sends the file that lies beside the chart.
    await writeFile(join(shell.home, `${file}.prov`), 'provenance');
    await push(shell, file, `oci://${world.loginServer}/helm`);
    const { layers } = JSON.parse((await world.api.manifest('helm/signed', '0.1.0')).bytes.toString()) as {
      layers: { mediaType: string }[];
    };
    expect(layers.map((layer) => layer.mediaType)).toContain('application/vnd.cncf.helm.chart.provenance.v1.prov');
    const pulling = ['pull', `oci://${world.loginServer}/helm/signed`, '--version', '0.1.0', '--plain-http', '--prov'];
    await mkdir(join(shell.home, 'back'));
    await shell.run('helm', [...pulling, '--destination', 'back']);
    expect(await readFile(join(shell.home, 'back', `${file}.prov`), 'utf8')).toBe('provenance');
  });

  test('needs the private CA over TLS, and works with it', async ({ world, named }) => {
    const login = ['registry', 'login', world.tlsServer, '-u', world.username, '--password-stdin'];
    expect((await named.refused('helm', login, { input: world.password })).stderr).toContain('x509');
    const ca = ['--ca-file', world.caFile];
    await named.run('helm', [...login, ...ca], { input: world.password });
    const file = await packageChart(named, 'tls');
    const registry = `oci://${world.tlsServer}/helm`;
    await named.run('helm', ['push', file, registry, ...ca]);
    await mkdir(join(named.home, 'back'));
    await named.run('helm', ['pull', `${registry}/tls`, '--version', '0.1.0', ...ca, '--destination', 'back']);
    expect(await readFile(join(named.home, 'back', file))).toEqual(await readFile(join(named.home, file)));
  });
});
