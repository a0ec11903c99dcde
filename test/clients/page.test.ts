import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDockerEngine } from './_docker-engine.ts';
import { isForFullSet, parsePage, readPage, runSection } from './_page.ts';
import type { Shell } from './_shell.ts';
import { describe, expect, lacks } from './_test.ts';
import { test } from './_tls-test.ts';

const sections = await readPage();

/** Podman and Buildah as the page calls them, with images and state below the shell's home. */
async function withFolders(shell: Shell): Promise<Shell> {
  const storage = [
    '[storage]',
    'driver = "vfs"',
    `graphroot = "${shell.home}/storage"`,
    `runroot = "${shell.home}/run"`,
  ];
  await writeFile(join(shell.home, 'storage.conf'), `${storage.join('\n')}\n`);
  const engine = ['[engine]', 'runtime = "runc"', 'cgroup_manager = "cgroupfs"', 'events_logger = "file"'];
  await writeFile(join(shell.home, 'containers.conf'), `${engine.join('\n')}\ntmp_dir = "${shell.home}/tmp"\n`);
  return shell.with({
    CONTAINERS_STORAGE_CONF: join(shell.home, 'storage.conf'),
    CONTAINERS_CONF: join(shell.home, 'containers.conf'),
  });
}

describe('docs/clients.md', () => {
  test('has no section that nobody runs', () => {
    expect(sections.map((section) => section.heading)).toContain('crane');
    const block = '```sh\ncrane version\n```\n';
    expect(parsePage(`# Clients\n\n## crane\n\n${block}`)).toMatchObject([{ blocks: ['crane version\n'] }]);
    expect(() => parsePage(`## Another client\n\n${block}`)).toThrow('no test knows');
    expect(() => parsePage('## crane\n\nno lines\n')).toThrow('0 blocks');
    expect(() => parsePage(`## Kubernetes\n\n${block}`)).toThrow('1 blocks');
  });

  test('gives lines that fail when they do not work', async ({ world, shell }) => {
    const broken = { heading: 'crane', blocks: ['false | true\n'], needs: [] };
    await expect(runSection(broken, shell, world)).rejects.toThrow('exit code 1');
  });

  for (const section of sections.filter((each) => each.blocks.length > 0 && !isForFullSet(each))) {
    const { heading, needs } = section;
    test.skipIf(lacks(...needs, 'busybox'))(`the lines for ${heading} work`, async ({ world, named, trusting }) => {
      if (needs.includes('docker')) {
        const { HTTPS_PROXY, SSL_CERT_FILE } = trusting.env;
        await using engine = await startDockerEngine(world.folder, { HTTPS_PROXY, SSL_CERT_FILE });
        await runSection(section, engine.shell(named), world);
      } else {
        await runSection(section, await withFolders(named), world);
      }
    });
  }
});
