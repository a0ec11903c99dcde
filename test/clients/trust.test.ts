import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { locate } from '../../tools/clients/locate.ts';
import { startDockerEngine } from './_docker-engine.ts';
import { login as dockerLogin } from './_docker-test.ts';
import { writeImage } from './_image.ts';
import { podman, refusedPodman } from './_podman.ts';
import type { Output } from './_process.ts';
import type { Shell } from './_shell.ts';
import { test as base, describe, expect, lacks } from './_test.ts';
import { program, type World } from './_world.ts';

/** A client that reaches the registry by name, and trusts what the machine and its own home trust. */
const test = base.extend('client', ({ shell, world }) => shell.with({ HTTPS_PROXY: world.proxy }));

const untrusted = /x509: certificate signed by unknown authority|SSL certificate problem/;

function trust(shell: Shell, world: World, ...args: string[]): Promise<Output> {
  return shell.run(process.execPath, [program, 'trust', '--data', world.data, ...args]);
}

/** Runs `work` while the machine trusts the authority, and takes that back whatever becomes of it. */
async function whileTrusted(shell: Shell, world: World, stores: string[], work: () => Promise<unknown>): Promise<void> {
  try {
    await trust(shell, world, ...stores);
    await work();
  } finally {
    await trust(shell, world, ...stores, '--undo');
  }
}

/** The name that clients use where everything is on port 443. */
function bareName(world: World): string {
  return world.tlsServer.replace(/:[0-9]+$/, '');
}

/** Ends the test as skipped, with the reason in the report. */
function needsRoot(skip: TestContext['skip'], what: string): void {
  skip(process.getuid?.() !== 0, `${what} belongs to the machine: changing it needs root`);
}

/** Every file of a folder with its content, to compare with a later reading. */
async function contentsOf(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found[path] = await readFile(path, 'utf8');
    else found[path] = entry.isSymbolicLink() ? 'link' : 'folder';
  }
  return found;
}

describe('berth trust for one user', () => {
  test.skipIf(lacks('skopeo', 'busybox'))('opens the registry to skopeo, until the undo', async ({ world, client }) => {
    const image = await writeImage(client, 'image');
    for (const server of [world.tlsServer, bareName(world)]) {
      const login = ['login', '-u', world.username, '--password-stdin', server];
      const refused = () => client.refused('skopeo', login, { input: world.password });
      expect((await refused()).stderr).toMatch(untrusted);
      await whileTrusted(client, world, ['--user', '--containers'], async () => {
        await client.run('skopeo', login, { input: world.password });
        await client.run('skopeo', ['copy', `oci:${image.path}:v1`, `docker://${server}/trust/skopeo:v1`]);
        expect((await world.api.manifest('trust/skopeo', 'v1')).digest).toBe(image.digest);
      });
      expect((await refused()).stderr).toMatch(untrusted);
    }
  });

  test.skipIf(lacks('podman', 'busybox'))('opens it to podman, until the undo', async ({ world, client }) => {
    await writeImage(client, 'image');
    // Podman wants the login file that its environment names to be there.
    await writeFile(join(client.home, 'auth.json'), '{}');
    await podman(client, ['pull', 'oci:image:v1']);
    const id = (await podman(client, ['images', '--quiet', '--no-trunc'])).stdout.trim();
    const login = ['login', '-u', world.username, '--password-stdin', world.tlsServer];
    const push = ['push', id, `docker://${world.tlsServer}/trust/podman:v1`];
    expect((await refusedPodman(client, login, { input: world.password })).stderr).toMatch(untrusted);
    await whileTrusted(client, world, ['--user', '--containers'], async () => {
      await podman(client, login, { input: world.password });
      await podman(client, push);
      await podman(client, ['pull', `${world.tlsServer}/trust/podman:v1`]);
    });
    expect((await refusedPodman(client, push)).stderr).toMatch(untrusted);
  });

  test.skipIf(lacks('skopeo'))('leaves the ca.crt of somebody else as it is', async ({ world, client }) => {
    const folder = join(client.home, '.config/containers/certs.d', world.tlsServer);
    await mkdir(folder, { recursive: true });
    const [stranger] = /-----BEGIN[^-]+-----[^-]+-----END CERTIFICATE-----/.exec(
      await readFile('/etc/ssl/certs/ca-certificates.crt', 'utf8'),
    ) ?? [''];
    await writeFile(join(folder, 'ca.crt'), stranger);
    const before = await contentsOf(client.home);
    const login = ['login', '-u', world.username, '--password-stdin', world.tlsServer];
    await whileTrusted(client, world, ['--user', '--containers'], async () => {
      await client.run('skopeo', login, { input: world.password });
      await client.run('skopeo', ['logout', world.tlsServer]);
      expect(await readFile(join(folder, 'ca.crt'), 'utf8')).toBe(stranger);
    });
    const { [join(client.home, 'auth.json')]: _logins, ...after } = await contentsOf(client.home);
    expect(after).toEqual(before);
  });

  test.skipIf(lacks('crane', 'busybox'))('prints variables that crane and curl follow', async ({ world, client }) => {
    const image = await writeImage(client, 'image');
    await client.run('crane', ['auth', 'login', bareName(world), '-u', world.username, '--password-stdin'], {
      input: world.password,
    });
    const push = `crane push ${image.path} ${bareName(world)}/trust/crane:v1`;
    const curl = `curl --silent --show-error --output /dev/null --write-out '%{http_code}' https://${bareName(world)}/v2/`;
    const berth = `'${process.execPath}' '${program}' trust --user --data '${world.data}'`;
    const shell = (...lines: string[]) => ['-ec', lines.join('\n')];

    expect((await client.refused('sh', shell(push))).stderr).toMatch(untrusted);
    expect((await client.refused('sh', shell(curl))).stderr).toMatch(untrusted);
    const trusted = await client.run('sh', shell(`eval "$(${berth})"`, push, curl));
    expect(trusted.stdout).toContain('401');
    expect((await world.api.manifest('trust/crane', 'v1')).digest).toBe(image.digest);
    const undone = shell(`eval "$(${berth})"`, `eval "$(${berth} --undo)"`, push);
    expect((await client.refused('sh', undone)).stderr).toMatch(untrusted);
  });

  test.skipIf(lacks('nss'))(
    'is in the databases of Chromium and Firefox, until the undo',
    async ({ world, client }) => {
      const databases = ['.pki/nssdb', '.mozilla/firefox/ab12.default-release'].map((path) => join(client.home, path));
      const list = async () => {
        const listed: string[] = [];
        for (const database of databases)
          listed.push((await client.run('certutil', ['-L', '-d', `sql:${database}`])).stdout);
        return listed;
      };
      for (const database of databases) {
        await mkdir(database, { recursive: true });
        await client.run('certutil', ['-N', '-d', `sql:${database}`, '--empty-password']);
      }
      const before = await list();
      await whileTrusted(client, world, ['--user', '--nss'], async () => {
        for (const listed of await list()) expect(listed).toMatch(/^Berth clients\.localhost \([0-9a-f]{8}\) +C,, *$/m);
        const again = await trust(client, world, '--user', '--nss');
        expect(again.stdout.match(/^# nss +present/gm)).toHaveLength(2);
      });
      expect(await list()).toEqual(before);
    },
  );
});

describe('berth trust for the whole machine', () => {
  test.skipIf(lacks('crane'))(
    'opens the registry to crane by the store of the system',
    async ({ world, client, skip }) => {
      needsRoot(skip, 'the store of the system');
      skip(locate('update-ca-certificates') === undefined, 'no update-ca-certificates here');
      // The program that makes the bundle also makes up for what others left undone: only ours is looked for.
      const ours = async () => {
        const names = [...(await readdir('/etc/ssl/certs')), ...(await readdir('/usr/local/share/ca-certificates'))];
        const bundle = await readFile('/etc/ssl/certs/ca-certificates.crt', 'utf8');
        const pem = (await readFile(world.caFile, 'utf8')).trim();
        return [names.filter((name) => name.startsWith('berth-')).length, bundle.includes(pem)];
      };
      const login = ['auth', 'login', bareName(world), '-u', world.username, '--password-stdin'];
      await client.run('crane', login, { input: world.password });
      const catalog = ['catalog', bareName(world)];
      expect((await client.refused('crane', catalog)).stderr).toMatch(untrusted);
      await whileTrusted(client, world, ['--system'], async () => {
        await client.run('crane', catalog);
        expect(await ours()).toEqual([2, true]);
      });
      expect((await client.refused('crane', catalog)).stderr).toMatch(untrusted);
      expect(await ours()).toEqual([0, false]);
    },
  );

  test.skipIf(lacks('docker'))('opens it to docker by its certs.d', async ({ world, shell, skip }) => {
    needsRoot(skip, 'the certs.d of the engine');
    await using engine = await startDockerEngine(world.folder, { HTTPS_PROXY: world.proxy });
    const docker = engine.shell(shell);
    const before = await contentsOf('/etc/docker');
    const login = ['login', world.tlsServer, '-u', world.username, '--password-stdin'];
    const refused = () => docker.refused('docker', login, { input: world.password });
    expect((await refused()).stderr).toMatch(untrusted);
    await whileTrusted(shell, world, ['--docker'], () => dockerLogin(docker, world, world.tlsServer));
    expect((await refused()).stderr).toMatch(untrusted);
    expect(await contentsOf('/etc/docker')).toEqual(before);
  });

  test('resolves the names by the hosts file, when that is asked for', async ({ world, shell, skip }) => {
    needsRoot(skip, 'the hosts file');
    const before = await readFile('/etc/hosts', 'utf8');
    const trusting = ['--silent', '--show-error', '--cacert', world.caFile, '--output', join(shell.home, 'answer')];
    // curl itself knows localhost and what is below it, so the address is left to the resolver of the system.
    const resolve = () => shell.run('getent', ['hosts', bareName(world)]);
    await expect(resolve()).rejects.toThrow('exit code 2');
    await whileTrusted(shell, world, ['--hosts'], async () => {
      expect((await resolve()).stdout).toMatch(/^127\.0\.0\.1 /);
      // Where az and the SDKs go first.
      for (const label of ['management', 'login', 'graph', 'msgraph']) {
        const plane = bareName(world).replace(/^[^.]+/, label);
        expect((await shell.run('getent', ['hosts', plane])).stdout).toMatch(/^127\.0\.0\.1 /);
      }
      const curl = [...trusting, '--write-out', '%{http_code}', `https://${world.tlsServer}/v2/`];
      expect((await shell.run('curl', curl)).stdout).toBe('401');
    });
    await expect(resolve()).rejects.toThrow('exit code 2');
    expect(await readFile('/etc/hosts', 'utf8')).toBe(before);
  });
});
