import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Shell } from '../clients/_shell.ts';
import { describe, expect, lacks } from '../clients/_test.ts';
import { test } from '../clients/_tls-test.ts';
import type { World } from '../clients/_world.ts';
import { cosign, openCosign, signingArgs, verifyingArgs } from './_cosign.ts';
import { debianPackage, pushDebianImage } from './_debian-image.ts';

const spdxType = 'application/spdx+json';

interface Spdx {
  readonly packages: readonly { readonly name: string; readonly versionInfo?: string }[];
}

/** A shell whose syft speaks plain HTTP and asks nobody for newer versions. */
function syftShell(shell: Shell): Shell {
  return shell.with({ SYFT_CHECK_FOR_APP_UPDATE: 'false', SYFT_REGISTRY_INSECURE_USE_HTTP: 'true' });
}

function login(shell: Shell, { username, password, loginServer }: World, server = loginServer) {
  const args = ['login', '--plain-http', '-u', username, '--password-stdin', server];
  return shell.run('oras', args, { input: password });
}

function namesOf(sbom: string): string[] {
  return (JSON.parse(sbom) as Spdx).packages.map((each) => `${each.name} ${each.versionInfo ?? ''}`);
}

describe.skipIf(lacks('syft', 'oras', 'busybox'))('syft', () => {
  test('lists what is in an image, by tag and by digest', async ({ world, shell }) => {
    await login(shell, world);
    const digest = await pushDebianImage(shell, `${world.loginServer}/syft/app:v1`);
    const syft = syftShell(shell);
    const found = `${debianPackage.name} ${debianPackage.version}`;
    for (const reference of [':v1', `@${digest}`]) {
      const scan = ['scan', '-q', `registry:${world.loginServer}/syft/app${reference}`, '-o', 'spdx-json'];
      expect(namesOf((await syft.run('syft', scan)).stdout)).toContain(found);
    }
  });

  test('is refused without a login and with a wrong password', async ({ world, shell }) => {
    await login(shell, world);
    await pushDebianImage(shell, `${world.loginServer}/syft/private:v1`);
    const scan = ['scan', `registry:${world.loginServer}/syft/private:v1`];
    const stranger = syftShell(await world.shell());
    expect((await stranger.refused('syft', scan)).stderr).toContain('UNAUTHORIZED');
    const wrong = stranger.with({
      SYFT_REGISTRY_AUTH_AUTHORITY: world.loginServer,
      SYFT_REGISTRY_AUTH_USERNAME: world.username,
      SYFT_REGISTRY_AUTH_PASSWORD: 'not the password',
    });
    expect((await wrong.refused('syft', scan)).stderr).toContain('UNAUTHORIZED');
    await wrong.with({ SYFT_REGISTRY_AUTH_PASSWORD: world.password }).run('syft', scan);
  });

  test('makes a list that is attached to the image and found again', async ({ world, shell }) => {
    await login(shell, world);
    const image = `${world.loginServer}/syft/attached:v1`;
    const digest = await pushDebianImage(shell, image);
    await syftShell(shell).run('syft', ['scan', '-q', `registry:${image}`, '-o', 'spdx-json=sbom.json']);
    const what = ['--artifact-type', spdxType, `sbom.json:${spdxType}`];
    await shell.run('oras', ['attach', '--plain-http', image, ...what]);
    const [referrer] = await world.api.referrers('syft/attached', digest);
    expect(referrer).toMatchObject({ artifactType: spdxType });

    const attached = `${world.loginServer}/syft/attached@${referrer?.digest}`;
    await shell.run('oras', ['pull', '--plain-http', '-o', 'back', attached]);
    const [sent, back] = await Promise.all(
      ['.', 'back'].map((folder) => readFile(join(shell.home, folder, 'sbom.json'))),
    );
    expect(back).toEqual(sent);
  });

  test.skipIf(lacks('cosign'))('makes a list that cosign attests and verifies', async ({ world, shell }) => {
    await login(shell, world);
    const digest = await pushDebianImage(shell, `${world.loginServer}/syft/attested:v1`);
    const image = `${world.loginServer}/syft/attested@${digest}`;
    await syftShell(shell).run('syft', ['scan', '-q', `registry:${image}`, '-o', 'spdx-json=sbom.json']);
    const signer = await openCosign(shell);
    const sbom = ['--type', 'spdxjson'];
    await cosign(signer, 'attest', ...signingArgs('bundle'), ...sbom, '--predicate', 'sbom.json', image);
    const verified = await cosign(signer, 'verify-attestation', ...verifyingArgs('bundle'), ...sbom, image);
    const { payload } = JSON.parse(verified.stdout) as { payload: string };
    const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString()) as { predicate: Spdx };
    expect(namesOf(JSON.stringify(predicate))).toContain(`${debianPackage.name} ${debianPackage.version}`);
  });

  test('needs the private CA over TLS, and works with it', async ({ world, shell, named, trusting }) => {
    await login(shell, world);
    await pushDebianImage(shell, `${world.loginServer}/syft/tls:v1`);
    const user = {
      SYFT_CHECK_FOR_APP_UPDATE: 'false',
      SYFT_REGISTRY_AUTH_AUTHORITY: world.tlsServer,
      SYFT_REGISTRY_AUTH_USERNAME: world.username,
      SYFT_REGISTRY_AUTH_PASSWORD: world.password,
    };
    const scan = ['scan', `registry:${world.tlsServer}/syft/tls:v1`, '-o', 'spdx-json'];
    expect((await named.with(user).refused('syft', scan)).stderr).toContain('x509');
    expect((await trusting.with(user).run('syft', scan)).stdout).toContain(debianPackage.name);
  });
});
