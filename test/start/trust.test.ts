import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stateOf } from './_folder.ts';
import { hasNobody, openScratch, startServer } from './_program.ts';

let world: Awaited<ReturnType<typeof startServer>>;
beforeAll(async () => {
  world = await startServer();
  // Somebody who uses podman, skopeo or buildah, whether or not they are installed here.
  await mkdir(join(world.folder, '.config/containers'), { recursive: true });
});
afterAll(() => world[Symbol.asyncDispose]());

interface Report {
  readonly authority: { readonly file: string; readonly sha256: string };
  readonly stores: readonly { store: string; where: string; outcome: string; reason: string | null; steps: string[] }[];
  readonly variables: Record<string, string> | null;
}

/** Runs `berth trust` for one user, whose home is the folder of the test. */
async function trust(...args: string[]): Promise<Report> {
  const output = await world.berth(['trust', '--user', '--containers', '--data', world.data, '--json', ...args]);
  if (output.code !== 0) throw new Error(output.stdout + output.stderr);
  return JSON.parse(output.stdout) as Report;
}

const certs = () => join(world.folder, '.config/containers/certs.d');
const hosts = () => [world.ready.registry.loginServer, world.ready.registry.loginServer.replace(/:[0-9]+$/, '')];

describe('berth trust', () => {
  test('adds what is missing, for each name of each registry, and the undo takes exactly that away', async () => {
    const before = await stateOf(join(world.folder, '.config'));
    await world.berth(['registry', 'create', 'second', '--data', world.data]);
    const second = hosts().map((host) => host.replace(world.ready.registry.name, 'second'));
    const first = await trust();
    expect(first.stores.map(({ where }) => where).toSorted()).toEqual(
      [...hosts(), ...second].map((host) => join(certs(), host)).toSorted(),
    );
    expect(new Set(first.stores.map(({ outcome }) => outcome))).toEqual(new Set(['added']));
    expect(await readFile(join(certs(), hosts()[0] ?? '', 'ca.crt'), 'utf8')).toContain('BEGIN CERTIFICATE');
    expect(new Set((await trust()).stores.map(({ outcome }) => outcome))).toEqual(new Set(['present']));

    // The folders of a registry that is gone are found by what they hold.
    await world.berth(['registry', 'delete', 'second', '--data', world.data]);
    const undone = await trust('--undo');
    expect(undone.stores.map(({ where }) => where).toSorted()).toEqual(
      first.stores.map(({ where }) => where).toSorted(),
    );
    expect(new Set(undone.stores.map(({ outcome }) => outcome))).toEqual(new Set(['removed']));
    expect(await stateOf(join(world.folder, '.config'))).toEqual(before);
    expect((await trust('--undo')).stores).toMatchObject([{ where: certs(), outcome: 'absent' }]);
  });

  test('makes a bundle of the public authorities and its own, and takes it away', async () => {
    const file = join(world.data, 'ca-bundle.pem');
    const { variables } = await trust();
    expect(variables).toMatchObject({ REQUESTS_CA_BUNDLE: file, NODE_EXTRA_CA_CERTS: world.ready.caFile });
    const bundle = await readFile(file, 'utf8');
    expect(bundle).toContain((await readFile(world.ready.caFile, 'utf8')).trim());
    expect(bundle.match(/BEGIN CERTIFICATE/g)?.length).toBeGreaterThan(50);
    expect((await trust('--undo')).variables).toBeNull();
    await expect(readFile(file)).rejects.toThrow('ENOENT');
  });

  test('changes nothing when it only says what it would do', async () => {
    const before = await stateOf(world.folder);
    const { stores } = await trust('--dry-run');
    expect(stores).toMatchObject([{ outcome: 'would add' }, { outcome: 'would add' }]);
    expect(stores[0]?.steps).toEqual([`write ${join(stores[0]?.where ?? '', 'ca.crt')}`]);
    expect(await stateOf(world.folder)).toEqual(before);
  });

  test('prints what a shell can evaluate', async () => {
    const output = await world.berth(['trust', '--user', '--containers', '--data', world.data]);
    const lines = output.stdout.trimEnd().split('\n');
    expect(lines.filter((line) => !/^# |^export [A-Z_]+=\S+$/.test(line))).toEqual([]);
    expect(lines).toContain(`# where the names do not resolve: HTTPS_PROXY=${world.ready.endpoints.proxy}`);
    const undone = await world.berth(['trust', '--user', '--containers', '--undo', '--data', world.data]);
    const undoing = undone.stdout.trimEnd().split('\n');
    expect(undoing.filter((line) => !/^# |^unset [A-Z_]+$/.test(line))).toEqual([]);
  });

  test('says no when a store that was named has nothing to offer', async () => {
    const output = await world.berth(['trust', '--user', '--nss', '--data', world.data]);
    expect(output.code).toBe(1);
    expect(output.stdout).toMatch(/^# nss +skipped +no database of Chromium or Firefox/m);
    await world.berth(['trust', '--user', '--undo', '--data', world.data]);
  });

  test('needs a data folder with an authority', async () => {
    await using scratch = await openScratch();
    const output = await scratch.berth(['trust', '--data', scratch.data]);
    expect(output).toMatchObject({ code: 1, stdout: '' });
    expect(output.stderr).toBe(
      `berth: there is no authority in ${scratch.data}; "berth up" makes it, or name another folder with --data\n`,
    );
  });

  test('needs no running server for what needs no names, nor for the undo', async () => {
    await using own = await startServer();
    await mkdir(join(own.folder, '.config/containers'), { recursive: true });
    const options = ['--user', '--containers', '--data', own.data];
    expect((await own.berth(['trust', ...options])).code).toBe(0);
    await own.server.stop();
    const stopped = await own.berth(['trust', ...options]);
    expect(stopped).toMatchObject({ code: 1 });
    expect(stopped.stdout).toMatch(/^# containers +skipped .*no Berth is running on /m);
    expect(stopped.stdout).toMatch(/^export REQUESTS_CA_BUNDLE=/m);
    const undone = await own.berth(['trust', ...options, '--undo']);
    expect(undone.stdout.match(/^# containers +removed/gm)).toHaveLength(2);
    expect(undone.code).toBe(0);
  });

  test('does not put a stranger’s certificate into any store', async () => {
    await using own = await startServer();
    await own.server.stop();
    await writeFile(own.ready.caFile, 'not a certificate');
    const output = await own.berth(['trust', '--user', '--data', own.data]);
    expect(output).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('is not the certificate') });
    await rm(own.ready.caFile);
  });

  test.runIf(hasNobody())('names the command for what takes root', async () => {
    await using scratch = await openScratch();
    await scratch.start('chown', ['65534', scratch.folder]).exit;
    const server = scratch.up(undefined, { asNobody: true });
    await server.ready();
    const hostsBefore = await readFile('/etc/hosts', 'utf8');
    const output = await scratch.berth(['trust', '--hosts', '--data', scratch.data], { asNobody: true });
    expect(output.code).toBe(1);
    expect(output.stdout).toContain(
      `# hosts       skipped      /etc/hosts: needs root; run: sudo berth trust --hosts --data ${scratch.data}\n`,
    );
    expect(await readFile('/etc/hosts', 'utf8')).toBe(hostsBefore);
    await server.stop();
  });
});
