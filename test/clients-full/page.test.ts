import { startContainerd } from '../clients/_containerd.ts';
import { writeImage } from '../clients/_image.ts';
import { isForFullSet, readPage, runSection } from '../clients/_page.ts';
import type { Shell } from '../clients/_shell.ts';
import { describe, lacks } from '../clients/_test.ts';
import { test } from '../clients/_tls-test.ts';
import type { World } from '../clients/_world.ts';
import { startBuilder } from './_buildkit.ts';
import { openGrype } from './_grype-database.ts';
import { openMavenProject } from './_jib-project.ts';

const sections = await readPage();

/** An image that the lines for containerd pull. */
async function push({ loginServer, username, password }: World, shell: Shell): Promise<void> {
  await shell.run('crane', ['auth', 'login', loginServer, '-u', username, '--password-stdin'], { input: password });
  const { path } = await writeImage(shell, 'seed');
  await shell.run('crane', ['push', path, `${loginServer}/team/app:v1`]);
}

describe('docs/clients.md', () => {
  for (const section of sections.filter(isForFullSet)) {
    const { heading, needs } = section;
    test.skipIf(lacks(...needs, 'busybox'))(`the lines for ${heading} work`, async ({ world, named, trusting }) => {
      if (needs.includes('ctr')) {
        await push(world, named);
        await using containerd = await startContainerd(world.folder);
        const env = { CONTAINERD_ADDRESS: containerd.socket, CONTAINERD_SNAPSHOTTER: 'native' };
        await runSection(section, named.with(env), world);
      } else if (needs.includes('buildkitd')) {
        const { HTTPS_PROXY, SSL_CERT_FILE } = trusting.env;
        await using builder = await startBuilder(world.folder, { HTTPS_PROXY, SSL_CERT_FILE });
        await runSection(section, builder.shell(named), world);
      } else if (needs.includes('maven')) {
        const { hostname, port } = new URL(named.env['HTTPS_PROXY'] ?? '');
        const proxy = [`-Dhttps.proxyHost=${hostname}`, `-Dhttps.proxyPort=${port}`];
        await runSection(section, await openMavenProject(named, ...proxy), world);
      } else if (needs.includes('grype')) {
        await runSection(section, await openGrype(named), world);
      } else {
        await runSection(section, named, world);
      }
    });
  }
});
