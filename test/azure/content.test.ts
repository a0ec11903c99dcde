import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { locate, locatePython } from '../../tools/clients/locate.ts';
import { run } from '../clients/_process.ts';
import { test as base, describe, expect, inEveryForm, lacksAz } from './_az.ts';
import { pushImage } from './_push.ts';

/** `registry` is the name of the first one, by which az finds it. */
const test = base.extend('registry', ({ world }) => String(world.tlsServer.split('.')[0]));

interface Exposed {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly loginServer: string;
  readonly username: string;
}

describe.skipIf(lacksAz())('az acr login --expose-token', () => {
  test('gives a token that the registry takes as a password', async ({ az, registry, world }) => {
    const given = await az.json<Exposed>(`acr login -n ${registry} --expose-token`);
    expect(given).toMatchObject({
      loginServer: `${registry}.${world.domain}`,
      username: '00000000-0000-0000-0000-000000000000',
      refreshToken: given.accessToken,
    });
    const user = { username: given.username, password: given.accessToken };
    expect((await world.apiAs(user).request('GET', '/v2/')).status).toBe(200);
    const [, claims = ''] = given.accessToken.split('.');
    const { exp, iat, nbf } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, number>;
    expect(Math.round(((exp ?? 0) - (iat ?? nbf ?? 0)) / 3600)).toBe(3);
  });
});

describe.skipIf(lacksAz())('az acr check-health', () => {
  test('finds nothing wrong with the registry where its name resolves', async ({ az, registry, world, skip }) => {
    const server = `${registry}.${world.domain}`;
    const line = ['acr', 'check-health', '-n', registry, '--yes', '--ignore-errors'];
    // Through the proxy all is well but that look-up, which az makes itself.
    expect((await az.run(`acr check-health -n ${registry} --yes --ignore-errors`)).stderr).toContain(
      'CONNECTIVITY_DNS_ERROR',
    );
    if (process.getuid?.() !== 0 || locate('unshare') === undefined) {
      skip('a hosts file of its own needs root and unshare');
    }
    const hosts = join(world.folder, 'hosts');
    await writeFile(hosts, `127.0.0.1 localhost ${server}\n`);
    const inside = [
      '--mount',
      'sh',
      '-c',
      'mount --bind "$HOSTS" /etc/hosts && exec "$@"',
      'az',
      locatePython('az') ?? '',
    ];
    const { stderr } = await run('unshare', [...inside, ...line], { ...az.env, HOSTS: hosts });
    for (const part of [`DNS lookup to ${server} at IP 127.0.0.1`, `Challenge endpoint https://${server}/v2/`]) {
      expect(stderr).toContain(`${part} : OK`);
    }
    expect(stderr).toContain(`Fetch refresh token for registry '${server}' : OK`);
    expect(stderr).toContain(`Fetch access token for registry '${server}' : OK`);
    expect(stderr).not.toContain('CONNECTIVITY');
  });
});

describe.skipIf(lacksAz())('az acr repository', () => {
  test('lists, shows, locks, untags and deletes, in every form', async ({ az, registry, world }) => {
    const first = await pushImage(world, 'team/app', 'v1');
    const second = await pushImage(world, 'team/app', 'v2');
    await pushImage(world, 'other', 'v1');
    await inEveryForm(az, `acr repository list -n ${registry}`, {
      table: ['Result', 'team/app', 'other'],
      query: "[?@=='team/app']",
      gives: ['team/app'],
      tsv: 'team/app',
    });
    expect(await az.json(`acr repository list -n ${registry} --top 1`)).toHaveLength(1);
    const shown = await inEveryForm(az, `acr repository show -n ${registry} --repository team/app`, {
      table: ['ImageName', 'ManifestCount', 'TagCount', 'team/app'],
      query: '{m:manifestCount,t:tagCount}',
      gives: { m: 2, t: 2 },
      tsv: '2\t2',
    });
    expect(shown).toMatchObject({ registry: `${registry}.${world.domain}`, imageName: 'team/app' });
    expect(await az.json(`acr repository show -n ${registry} --image team/app:v1`)).toMatchObject({
      name: 'v1',
      digest: first.digest,
    });
    expect(await az.json(`acr repository show -n ${registry} --image team/app@${second.digest}`)).toMatchObject({
      digest: second.digest,
      architecture: 'amd64',
      tags: ['v2'],
    });
    await inEveryForm(az, `acr repository show-tags -n ${registry} --repository team/app`, {
      table: ['Result', 'v1', 'v2'],
      query: '[0]',
      gives: 'v1',
      tsv: 'v1',
    });
    const detailed = await az.json<{ name: string }[]>(
      `acr repository show-tags -n ${registry} --repository team/app --detail --orderby time_desc --top 1`,
    );
    expect(detailed).toMatchObject([{ name: 'v2', digest: second.digest }]);

    const locked = await az.json<{ changeableAttributes: Record<string, boolean> }>(
      `acr repository update -n ${registry} --image team/app:v1 --write-enabled false --delete-enabled false`,
    );
    expect(locked.changeableAttributes).toMatchObject({ writeEnabled: false, deleteEnabled: false });
    expect(await az.refused(`acr repository untag -n ${registry} --image team/app:v1`)).toMatch(
      /not allowed|locked|disallowed/i,
    );
    await az.run(`acr repository update -n ${registry} --image team/app:v1 --write-enabled true --delete-enabled true`);

    await az.run(`acr repository untag -n ${registry} --image team/app:v1`);
    expect(await az.tsv(`acr repository show-tags -n ${registry} --repository team/app`)).toBe('v2');
    await az.run(`acr repository delete -n ${registry} --image team/app:v2 -y`);
    expect(await world.api.tags('team/app')).toEqual([]);
    await az.run(`acr repository delete -n ${registry} --repository team/app -y`);
    expect(await az.tsv(`acr repository list -n ${registry}`)).toBe('other');
    expect(await az.refused(`acr repository show -n ${registry} --repository team/app`)).toMatch(
      /not found|not known|NAME_UNKNOWN/i,
    );
  });
});

describe.skipIf(lacksAz())('az acr manifest', () => {
  test('lists, shows, locks and deletes, and follows referrers', async ({ az, registry, world }) => {
    const image = await pushImage(world, 'signed', 'v1');
    const signature = await pushImage(world, 'signed', null, {
      subject: image,
      artifactType: 'application/vnd.test.sig',
    });
    const metadata = (await inEveryForm(az, `acr manifest list-metadata -r ${registry} -n signed`, {
      table: ['Digest', image.digest],
      query: `[?digest=='${image.digest}'].tags[0]`,
      gives: ['v1'],
      tsv: 'v1',
    })) as { digest: string }[];
    expect(metadata.map(({ digest }) => digest).toSorted()).toEqual([image.digest, signature.digest].toSorted());
    // A login server in place of the name.
    expect(await az.json(`acr manifest list-metadata ${registry}.${world.domain}/signed`)).toHaveLength(2);
    expect(await az.json(`acr manifest show-metadata -r ${registry} -n signed:v1`)).toMatchObject({
      name: 'v1',
      digest: image.digest,
    });
    expect(await az.json(`acr manifest show-metadata -r ${registry} -n signed@${image.digest}`)).toMatchObject({
      digest: image.digest,
    });
    expect(await az.json(`acr manifest show -r ${registry} -n signed:v1`)).toEqual(JSON.parse(image.text));
    expect((await az.run(`acr manifest show -r ${registry} -n signed:v1 --raw`)).stdout.trimEnd()).toBe(image.text);
    expect(await az.json(`acr manifest list -r ${registry} -n signed`)).toHaveLength(2);
    const { manifests } = await az.json<{ manifests: { digest: string }[] }>(
      `acr manifest list-referrers -r ${registry} -n signed:v1`,
    );
    expect(manifests).toMatchObject([{ digest: signature.digest, artifactType: 'application/vnd.test.sig' }]);

    const locked = await az.json(`acr manifest update-metadata -r ${registry} -n signed:v1 --write-enabled false`);
    expect(locked).toMatchObject({ changeableAttributes: { writeEnabled: false } });
    await az.run(`acr manifest update-metadata -r ${registry} -n signed:v1 --write-enabled true`);
    await az.run(`acr manifest delete -r ${registry} -n signed:v1 -y`);
    expect(await world.api.tags('signed')).toEqual([]);
  });
});
