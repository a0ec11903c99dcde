import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeImage } from './_image.ts';
import type { Shell } from './_shell.ts';
import { describe, expect, lacks, test } from './_test.ts';
import type { World } from './_world.ts';

const signatureType = 'application/vnd.cncf.notary.signature';

/** A shell with a fresh test certificate that it trusts, and the registry's password where notation looks for it. */
async function openSigner(shell: Shell, { username, password }: World): Promise<Shell> {
  // Notation keeps logins in the machine's keychain only; where there is none it reads these.
  const signer = shell.with({ NOTATION_USERNAME: username, NOTATION_PASSWORD: password });
  await signer.run('notation', ['cert', 'generate-test', '--default', 'lab.test']);
  const policy = {
    name: 'lab',
    registryScopes: ['*'],
    signatureVerification: { level: 'strict' },
    trustStores: ['ca:lab.test'],
    trustedIdentities: ['*'],
  };
  await writeFile(join(shell.home, 'policy.json'), JSON.stringify({ version: '1.0', trustPolicies: [policy] }));
  await signer.run('notation', ['policy', 'import', '--force', 'policy.json']);
  return signer;
}

async function pushImage(shell: Shell, world: World, repository: string): Promise<string> {
  const image = await writeImage(shell, 'image');
  const { loginServer, username, password } = world;
  const login = ['auth', 'login', loginServer, '-u', username, '--password-stdin'];
  await shell.run('crane', login, { input: password });
  await shell.run('crane', ['push', image.path, `${loginServer}/${repository}:v1`, '--insecure']);
  return image.digest;
}

async function notation(signer: Shell, command: string, ...args: string[]): Promise<string> {
  return (await signer.run('notation', [command, '--insecure-registry', ...args])).stdout.trim();
}

describe.skipIf(lacks('notation', 'crane', 'busybox'))('notation', () => {
  test.for(['jws', 'cose'])('signs and verifies by the referrers API (%s)', async (format, { world, shell }) => {
    const repository = `notation/api-${format}`;
    const digest = await pushImage(shell, world, repository);
    const image = `${world.loginServer}/${repository}@${digest}`;
    const signer = await openSigner(shell, world);
    await signer.refused('notation', ['verify', '--insecure-registry', image]);
    await notation(signer, 'sign', '--force-referrers-tag=false', '--signature-format', format, image);

    expect(await notation(signer, 'verify', image)).toContain('Successfully verified');
    const signatures = await world.api.referrers(repository, digest);
    expect(signatures).toMatchObject([{ artifactType: signatureType }]);
    const [signature] = signatures;
    expect(await notation(signer, 'ls', image)).toContain(signature?.digest);
    expect(await notation(signer, 'inspect', image)).toContain(signature?.digest);
    expect(await world.api.tags(repository)).toEqual(['v1']);
    expect((await world.api.manifest(repository, 'v1')).digest).toBe(digest);
  });

  test('signs and verifies by the fallback tag, its default', async ({ world, shell }) => {
    const digest = await pushImage(shell, world, 'notation/tag');
    const image = `${world.loginServer}/notation/tag@${digest}`;
    const signer = await openSigner(shell, world);
    await notation(signer, 'sign', image);
    await notation(signer, 'sign', '--signature-format', 'cose', image);

    expect(await notation(signer, 'verify', image)).toContain('Successfully verified');
    expect(await world.api.tags('notation/tag')).toEqual([digest.replace(':', '-'), 'v1']);
    // The signatures name their subject, so the registry lists them whichever way they were pushed.
    const signatures = await world.api.referrers('notation/tag', digest);
    expect(signatures.map((each) => each.artifactType)).toEqual([signatureType, signatureType]);
    const listed = await notation(signer, 'ls', image);
    for (const each of signatures) expect(listed).toContain(each.digest);
  });

  test('finds signatures of both ways and none on an unsigned image', async ({ world, shell }) => {
    const digest = await pushImage(shell, world, 'notation/unsigned');
    const image = `${world.loginServer}/notation/unsigned@${digest}`;
    const signer = await openSigner(shell, world);
    const unsigned = await signer.refused('notation', ['verify', '--insecure-registry', image]);
    expect(unsigned.stderr).toContain('no signature is associated');
    await notation(signer, 'sign', '--force-referrers-tag=false', image);
    await notation(signer, 'verify', image);
    const stranger = await openSigner(await world.shell(), world);
    await stranger.refused('notation', ['verify', '--insecure-registry', image]);
  });

  test('is refused with a wrong password', async ({ world, shell }) => {
    const digest = await pushImage(shell, world, 'notation/denied');
    const signer = await openSigner(shell, world);
    const wrong = signer.with({ NOTATION_PASSWORD: 'not the password' });
    const args = ['sign', '--insecure-registry', `${world.loginServer}/notation/denied@${digest}`];
    await wrong.refused('notation', args);
    expect(await world.api.referrers('notation/denied', digest)).toEqual([]);
  });
});
