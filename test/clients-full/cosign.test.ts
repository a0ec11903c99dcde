import { type ImageOptions, type Layout, writeImage } from '../clients/_image.ts';
import type { Shell } from '../clients/_shell.ts';
import { describe, expect, lacks } from '../clients/_test.ts';
import { test } from '../clients/_tls-test.ts';
import type { World } from '../clients/_world.ts';
import { cosign, openCosign, refusedCosign, signingArgs, verifyingArgs } from './_cosign.ts';

const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const forms = ['bundle', 'legacy'] as const;
const sbom = ['--type', 'spdxjson'];

function login(shell: Shell, { username, password, loginServer }: World, server = loginServer) {
  return shell.run('cosign', ['login', server, '-u', username, '--password-stdin'], { input: password });
}

async function push(shell: Shell, target: string, options?: ImageOptions): Promise<Layout> {
  const image = await writeImage(shell, 'image', options);
  await shell.run('oras', ['copy', '--from-oci-layout', '--to-plain-http', `${image.path}:v1`, target]);
  return image;
}

describe.skipIf(lacks('cosign', 'oras', 'busybox'))('cosign', () => {
  test.for(forms)('signs and verifies an image (%s)', async (form, { world, shell }) => {
    await login(shell, world);
    const repository = `cosign/sign-${form}`;
    const { digest } = await push(shell, `${world.loginServer}/${repository}:v1`);
    const image = `${world.loginServer}/${repository}@${digest}`;
    const signer = await openCosign(shell);
    const before = await refusedCosign(signer, 'verify', ...verifyingArgs(form), image);
    expect(before.stderr).toContain('no signatures found');

    await cosign(signer, 'sign', ...signingArgs(form), image);
    const verified = await cosign(signer, 'verify', ...verifyingArgs(form), image);
    expect(verified.stdout).toContain(`"docker-manifest-digest":"${digest}"`);
    expect((await cosign(signer, 'tree', image)).stdout).toContain(form === 'bundle' ? 'via OCI referrer' : '.sig');

    // Signed once more, both signatures are there and verify.
    await cosign(signer, 'sign', ...signingArgs(form), image);
    const referrers = await world.api.referrers(repository, digest);
    const tags = await world.api.tags(repository);
    if (form === 'bundle') {
      expect(referrers.map((each) => each.artifactType)).toEqual([bundleType, bundleType]);
      expect(tags).toEqual(['v1']);
    } else {
      expect(referrers).toEqual([]);
      expect(tags).toEqual([`${digest.replace(':', '-')}.sig`, 'v1']);
    }
    await cosign(signer, 'verify', ...verifyingArgs(form), image);
    expect((await world.api.manifest(repository, 'v1')).digest).toBe(digest);

    const stranger = await openCosign(await world.shell());
    await login(stranger, world);
    await refusedCosign(stranger, 'verify', ...verifyingArgs(form), image);
  });

  test.for(forms)('attests an image and verifies the attestation (%s)', async (form, { world, shell }) => {
    await login(shell, world);
    const repository = `cosign/attest-${form}`;
    const { digest } = await push(shell, `${world.loginServer}/${repository}:v1`);
    const image = `${world.loginServer}/${repository}@${digest}`;
    const signer = await openCosign(shell);
    await cosign(signer, 'attest', ...signingArgs(form), ...sbom, '--predicate', 'predicate.json', image);
    const verified = await cosign(signer, 'verify-attestation', ...verifyingArgs(form), ...sbom, image);
    const { payload } = JSON.parse(verified.stdout) as { payload: string };
    expect(JSON.parse(Buffer.from(payload, 'base64').toString())).toMatchObject({
      predicate: { name: 'app' },
      subject: [{ digest: { sha256: digest.slice('sha256:'.length) } }],
    });
    await refusedCosign(signer, 'verify-attestation', ...verifyingArgs(form), '--type', 'vuln', image);
    const found = await world.api.referrers(repository, digest);
    expect(found.map((each) => each.artifactType)).toEqual(form === 'bundle' ? [bundleType] : []);
  });

  test('signs an index and every image in it', async ({ world, shell }) => {
    await login(shell, world);
    const target = `${world.loginServer}/cosign/index`;
    const index = await push(shell, `${target}:v1`, { architectures: ['amd64', 'arm64'] });
    const signer = await openCosign(shell);
    await cosign(signer, 'sign', '--recursive', ...signingArgs('bundle'), `${target}@${index.digest}`);
    for (const { digest } of [index, ...index.manifests]) {
      await cosign(signer, 'verify', ...verifyingArgs('bundle'), `${target}@${digest}`);
      expect(await world.api.referrers('cosign/index', digest)).toHaveLength(1);
    }
  });

  test('finds the signatures where another client copied the image to', async ({ world, shell }) => {
    await login(shell, world);
    const target = `${world.loginServer}/cosign/from`;
    const { digest } = await push(shell, `${target}:v1`);
    const signer = await openCosign(shell);
    await cosign(signer, 'sign', ...signingArgs('bundle'), `${target}@${digest}`);
    const copy = `${world.loginServer}/cosign/to`;
    await shell.run('oras', ['copy', '-r', '--from-plain-http', '--to-plain-http', `${target}:v1`, `${copy}:v1`]);
    await cosign(signer, 'verify', ...verifyingArgs('bundle'), `${copy}@${digest}`);
  });

  test('removes every signature of both forms', async ({ world, shell }) => {
    await login(shell, world);
    const { digest } = await push(shell, `${world.loginServer}/cosign/clean:v1`);
    const image = `${world.loginServer}/cosign/clean@${digest}`;
    const signer = await openCosign(shell);
    for (const form of forms) await cosign(signer, 'sign', ...signingArgs(form), image);
    await cosign(signer, 'clean', '--force', image);
    expect(await world.api.referrers('cosign/clean', digest)).toEqual([]);
    expect(await world.api.tags('cosign/clean')).toEqual(['v1']);
    for (const form of forms) await refusedCosign(signer, 'verify', ...verifyingArgs(form), image);
  });

  test('is refused with a wrong password and without one, and leaves nothing', async ({ world, shell }) => {
    await login(shell, world);
    const { digest } = await push(shell, `${world.loginServer}/cosign/denied:v1`);
    const image = `${world.loginServer}/cosign/denied@${digest}`;
    const stranger = await openCosign(await world.shell());
    expect((await refusedCosign(stranger, 'sign', ...signingArgs('bundle'), image)).stderr).toContain('UNAUTHORIZED');
    await login(stranger, { ...world, password: 'not the password' });
    expect((await refusedCosign(stranger, 'sign', ...signingArgs('bundle'), image)).stderr).toContain('UNAUTHORIZED');
    expect(await world.api.referrers('cosign/denied', digest)).toEqual([]);
  });

  test('needs the private CA over TLS, and works with it', async ({ world, named, trusting, shell }) => {
    await login(shell, world);
    await login(shell, world, world.tlsServer);
    const { digest } = await push(shell, `${world.loginServer}/cosign/tls:v1`);
    const image = `${world.tlsServer}/cosign/tls@${digest}`;
    await openCosign(shell);
    const args = [...signingArgs('bundle'), image];
    expect((await named.with({ COSIGN_PASSWORD: '' }).refused('cosign', ['sign', ...args])).stderr).toContain('x509');
    await trusting.with({ COSIGN_PASSWORD: '' }).run('cosign', ['sign', ...args]);
    await trusting.run('cosign', ['verify', ...verifyingArgs('bundle'), image]);
    expect(await world.api.referrers('cosign/tls', digest)).toHaveLength(1);
  });
});
