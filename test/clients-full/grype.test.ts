import type { Shell } from '../clients/_shell.ts';
import { describe, expect, lacks } from '../clients/_test.ts';
import { test } from '../clients/_tls-test.ts';
import type { World } from '../clients/_world.ts';
import { debianPackage, pushDebianImage } from './_debian-image.ts';
import { openGrype, weakness } from './_grype-database.ts';

interface Report {
  readonly matches: readonly {
    readonly vulnerability: { readonly id: string; readonly fix: { readonly versions: readonly string[] } };
    readonly artifact: { readonly name: string; readonly version: string };
  }[];
  readonly source: { readonly target: { readonly manifestDigest: string } };
}

function login(shell: Shell, { username, password, loginServer }: World) {
  const args = ['login', '--plain-http', '-u', username, '--password-stdin', loginServer];
  return shell.run('oras', args, { input: password });
}

function scan(image: string): string[] {
  return [`registry:${image}`, '--output', 'json'];
}

describe.skipIf(lacks('grype', 'oras', 'busybox'))('grype', () => {
  test('finds the weakness of an image, by tag and by digest', async ({ world, shell }) => {
    await login(shell, world);
    const digest = await pushDebianImage(shell, `${world.loginServer}/grype/app:v1`);
    const grype = await openGrype(shell);
    for (const reference of [':v1', `@${digest}`]) {
      const { stdout } = await grype.run('grype', scan(`${world.loginServer}/grype/app${reference}`));
      const report = JSON.parse(stdout) as Report;
      expect(report.source.target.manifestDigest).toBe(digest);
      expect(report.matches).toMatchObject([
        { vulnerability: { id: weakness.name, fix: { versions: [weakness.mendedIn] } }, artifact: debianPackage },
      ]);
    }
    const strict = [...scan(`${world.loginServer}/grype/app:v1`), '--fail-on', 'high'];
    await grype.refused('grype', strict);
  });

  test('is refused without a login and with a wrong password', async ({ world, shell }) => {
    await login(shell, world);
    await pushDebianImage(shell, `${world.loginServer}/grype/private:v1`);
    const stranger = await openGrype(await world.shell());
    const image = scan(`${world.loginServer}/grype/private:v1`);
    expect((await stranger.refused('grype', image)).stderr).toContain('UNAUTHORIZED');
    const named = stranger.with({
      GRYPE_REGISTRY_AUTH_AUTHORITY: world.loginServer,
      GRYPE_REGISTRY_AUTH_USERNAME: world.username,
      GRYPE_REGISTRY_AUTH_PASSWORD: 'not the password',
    });
    expect((await named.refused('grype', image)).stderr).toContain('UNAUTHORIZED');
    await named.with({ GRYPE_REGISTRY_AUTH_PASSWORD: world.password }).run('grype', image);
  });

  test('needs the private CA over TLS, and works with it', async ({ world, shell, named }) => {
    await login(shell, world);
    await pushDebianImage(shell, `${world.loginServer}/grype/tls:v1`);
    const user = {
      GRYPE_REGISTRY_INSECURE_USE_HTTP: 'false',
      GRYPE_REGISTRY_AUTH_AUTHORITY: world.tlsServer,
      GRYPE_REGISTRY_AUTH_USERNAME: world.username,
      GRYPE_REGISTRY_AUTH_PASSWORD: world.password,
    };
    const image = scan(`${world.tlsServer}/grype/tls:v1`);
    const grype = (await openGrype(named)).with(user);
    expect((await grype.refused('grype', image)).stderr).toContain('x509');
    const trusting = grype.with({ SSL_CERT_FILE: world.caFile });
    expect((await trusting.run('grype', image)).stdout).toContain(weakness.name);
  });
});
