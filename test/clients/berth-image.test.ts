import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, test as base, beforeAll } from 'vitest';
import { command, complaint } from '../../tools/clients/command.ts';
import { clientsBin, clientsPath, locate } from '../../tools/clients/locate.ts';
import { startConnectProxy } from './_connect-proxy.ts';
import { startDockerEngine } from './_docker-engine.ts';
import { writeImage } from './_image.ts';
import { run } from './_process.ts';
import { openShell, type Shell } from './_shell.ts';
import { describe, expect, lacks } from './_test.ts';

const project = join(import.meta.dirname, '..', '..');
const image = 'berth:test';
const startMs = 60_000;
const buildMs = 240_000;

/** A Debian without anything, as a tar that is made once; or why there is none. */
async function baseArchive(): Promise<{ file: string } | { reason: string }> {
  const file = join(dirname(clientsBin()), 'base.tar');
  if (existsSync(file)) return { file };
  if (process.getuid?.() !== 0) return { reason: 'making a base image needs root' };
  const env = { ...process.env, PATH: clientsPath(), DEBIAN_FRONTEND: 'noninteractive' };
  if (locate('debootstrap') === undefined) {
    const args = ['-qq', '-o', 'DPkg::Lock::Timeout=120', 'install', '--yes', '--no-install-recommends', 'debootstrap'];
    const installed = await command('apt-get', args, { env, timeoutMs: buildMs });
    if (installed.code !== 0) return { reason: `debootstrap cannot be installed: ${complaint(installed)}` };
  }
  const folder = await mkdtemp(join(tmpdir(), 'berth-base-'));
  try {
    const root = join(folder, 'root');
    const made = await command('debootstrap', ['--variant=minbase', 'bookworm', root], { env, timeoutMs: buildMs });
    if (made.code !== 0) return { reason: `debootstrap failed: ${complaint(made)}` };
    await mkdir(dirname(file), { recursive: true });
    const arriving = `${file}.${process.pid}`;
    const without = ['./usr/share/doc', './usr/share/locale', './var/lib/apt/lists', './var/cache/apt'];
    const args = ['--numeric-owner', ...without.map((path) => `--exclude=${path}/*`), '-cf', arriving, '-C', root, '.'];
    const packed = await command('tar', args, { env, timeoutMs: buildMs });
    if (packed.code !== 0) return { reason: `tar failed: ${complaint(packed)}` };
    await rename(arriving, file);
    return { file };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface ImageWorld extends AsyncDisposable {
  readonly docker: Shell;
}

/** An engine that has Berth's image. */
async function buildWorld(baseFile: string): Promise<ImageWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-i-'));
  const engine = await startDockerEngine(folder);
  const end = async () => {
    await releaseHostNetwork(folder);
    await engine[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const docker = engine.shell(await openShell(folder));
    await docker.run('docker', ['import', baseFile, 'base:test'], { timeoutMs: buildMs });
    const args = ['tools/image.ts', '--tag', image, '--base', 'base:test'];
    // npm needs what the machine has set up for it: proxies, authorities, its cache.
    const maker = docker.with({ ...process.env, ...docker.env, HOME: homedir() });
    await maker.run(process.execPath, args, { cwd: project, timeoutMs: buildMs });
    return { docker, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** A container with host networking makes the engine mount that network's handle, and leave it when it ends. */
async function releaseHostNetwork(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  const handles = mounts.filter((path) => path.startsWith(folder) && path.endsWith('/netns/default'));
  for (const path of handles) await run('umount', [path], process.env);
}

/** Starts a container the way that leaves it the least rights, and waits until it is healthy. Answers what it says of itself. */
async function startContainer(docker: Shell, name: string): Promise<Status> {
  const confined = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--tmpfs', '/tmp'];
  // The engine of these tests has no bridge; the port is a free one, as others use this machine.
  const network = ['--network', 'host', '--env', 'BERTH_HTTPS_LISTEN=0.0.0.0:0', '--health-interval', '1s'];
  const volume = ['--volume', `${name}:/var/lib/berth`, '--volume', `${name}-backup:/var/lib/berth-backup`];
  await docker.run('docker', ['run', '--detach', '--name', name, ...confined, ...network, ...volume, image]);
  await untilHealthy(docker, name);
  const status = await docker.run('docker', ['exec', name, 'berth', 'status', '--json']);
  return JSON.parse(status.stdout) as Status;
}

interface Status {
  readonly registry: { readonly name: string; readonly loginServer: string };
}

async function untilHealthy(docker: Shell, name: string): Promise<void> {
  const deadline = Date.now() + startMs;
  for (;;) {
    const { stdout } = await docker.run('docker', ['inspect', '--format', '{{.State.Health.Status}}', name]);
    if (stdout.trim() === 'healthy') return;
    if (stdout.trim() === 'unhealthy' || Date.now() > deadline) {
      const logs = await docker.run('docker', ['logs', name]);
      throw new Error(`${name} is ${stdout.trim()}\n${logs.stdout}${logs.stderr}`);
    }
    await pause(200);
  }
}

async function stopContainer(docker: Shell, name: string): Promise<number> {
  await docker.run('docker', ['stop', '--time', '30', name], { timeoutMs: 45_000 });
  const { stdout } = await docker.run('docker', ['inspect', '--format', '{{.State.ExitCode}}', name]);
  return Number(stdout);
}

describe.skipIf(lacks('docker', 'crane', 'busybox'))('the container image', () => {
  let world: ImageWorld | undefined;
  let reason = '';

  beforeAll(async () => {
    const archive = await baseArchive();
    if ('file' in archive) world = await buildWorld(archive.file);
    else console.log(`clients: SKIPPED the container image: ${(reason = archive.reason)}`);
  }, 2 * buildMs);
  afterAll(() => world?.[Symbol.asyncDispose]());

  const test = base.extend('docker', ({ skip }) => world?.docker ?? skip(reason));

  test('serves a push and a pull, confined, and keeps its data over a restart', async ({ docker }) => {
    const { registry } = await startContainer(docker, 'confined');
    const shown = await docker.run('docker', ['exec', 'confined', 'berth', 'credentials', '--json']);
    const { username, passwords } = JSON.parse(shown.stdout) as {
      username: string;
      passwords: { value: string }[];
    };
    const local = `localhost:${registry.loginServer.split(':')[1]}`;
    const signedIn = await docker.run('docker', ['login', '-u', username, '--password-stdin', local], {
      input: String(passwords[0]?.value),
    });
    expect(signedIn.stdout).toContain('Login Succeeded');
    await docker.run('docker', ['cp', 'confined:/var/lib/berth/ca.pem', 'ca.pem']);

    await using proxy = await startConnectProxy('berth.localhost');
    const client = docker.with({ HTTPS_PROXY: proxy.url, SSL_CERT_FILE: join(docker.home, 'ca.pem') });
    const layout = await writeImage(client, 'image');
    const remote = `${registry.loginServer}/team/app:v1`;
    const login = ['auth', 'login', registry.loginServer, '-u', username, '--password-stdin'];
    await client.run('crane', login, { input: String(passwords[0]?.value) });
    await client.run('crane', ['push', layout.path, remote]);

    expect(await stopContainer(docker, 'confined')).toBe(0);
    await docker.run('docker', ['start', 'confined']);
    await untilHealthy(docker, 'confined');
    const status = await docker.run('docker', ['exec', 'confined', 'berth', 'status', '--json']);
    const again = (JSON.parse(status.stdout) as Status).registry.loginServer;
    await client.run('crane', ['auth', 'login', again, '-u', username, '--password-stdin'], {
      input: String(passwords[0]?.value),
    });
    expect((await client.run('crane', ['digest', `${again}/team/app:v1`])).stdout.trim()).toBe(layout.digest);
    await client.run('crane', ['validate', '--remote', `${again}/team/app:v1`]);
    const backup = ['exec', 'confined', 'berth', 'backup'];
    await docker.run('docker', [...backup, '/var/lib/berth-backup']);
    await docker.run('docker', [...backup, '--verify', '/var/lib/berth-backup']);
    expect(await stopContainer(docker, 'confined')).toBe(0);
  });

  test('runs as nobody in particular, and its root file system holds no secret', async ({ docker }) => {
    const inspected = await docker.run('docker', ['image', 'inspect', image]);
    const [{ Config: config }] = JSON.parse(inspected.stdout) as [{ Config: Record<string, unknown> }];
    expect(config).toMatchObject({
      User: '10001:10001',
      Entrypoint: ['berth', 'up'],
      Volumes: { '/var/lib/berth': {} },
      ExposedPorts: { '8443/tcp': {} },
    });
    const manifest = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as { version: string };
    const entry = ['run', '--rm', '--network', 'none', '--read-only', '--entrypoint'];
    const version = await docker.run('docker', [...entry, 'berth', image, '--version']);
    expect(version.stdout.trim()).toBe(manifest.version);
    const listed = await docker.run('docker', [...entry, 'ls', image, '-A', '/opt/berth', '/var/lib/berth']);
    expect(listed.stdout).toBe(
      '/opt/berth:\n.npmrc\nLICENSE\nbin\ncontracts\ndist\nnode_modules\npackage-lock.json\npackage.json\n\n/var/lib/berth:\n',
    );
  });

  test('says in one line why it does not start', async ({ docker }) => {
    const args = ['run', '--rm', '--network', 'none', '--read-only', '--volume', 'refused:/var/lib/berth'];
    const refusal = await docker.refused('docker', [...args, image, '--domain', 'localhost']);
    expect(refusal.stderr).toMatch(/^berth: --domain: "localhost" has one label[^\n]*\n$/);
  });
});
