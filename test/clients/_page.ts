import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clientNames } from '../../tools/clients/catalog.ts';
import { writeBuildContext, writeImage } from './_image.ts';
import type { Shell } from './_shell.ts';
import type { World } from './_world.ts';

/** A part of docs/clients.md: its heading, and the blocks below it that readers may paste. */
export interface Section {
  readonly heading: string;
  readonly blocks: readonly string[];
  /** The clients that its lines use; empty where there is nothing to run. */
  readonly needs: readonly string[];
}

const page = join(import.meta.dirname, '..', '..', 'docs', 'clients.md');

const needs: Readonly<Record<string, readonly string[]>> = {
  docker: ['docker'],
  Podman: ['podman'],
  Buildah: ['buildah'],
  Skopeo: ['skopeo'],
  crane: ['crane'],
  regctl: ['regctl'],
  ORAS: ['oras'],
  Notation: ['notation', 'crane'],
  containerd: ['ctr', 'crane'],
  Kubernetes: [],
  helm: ['helm'],
  cosign: ['cosign', 'crane'],
  Syft: ['syft', 'crane', 'oras'],
  Grype: ['grype', 'crane'],
  BuildKit: ['buildctl', 'buildkitd', 'crane'],
  Jib: ['maven', 'crane'],
};

export async function readPage(): Promise<Section[]> {
  return parsePage(await readFile(page, 'utf8'));
}

/** Finds the sections of the page. Throws when one has lines to run and nobody has said which clients they need. */
export function parsePage(text: string): Section[] {
  const [, ...parts] = text.split(/^## /m);
  return parts.map((part) => {
    const heading = part.slice(0, part.indexOf('\n'));
    const blocks = [...part.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
    const clients = needs[heading];
    if (clients === undefined) throw new Error(`the page has "${heading}", which no test knows`);
    if ((blocks.length === 0) !== (clients.length === 0)) throw new Error(`"${heading}" has ${blocks.length} blocks`);
    return { heading, blocks, needs: clients };
  });
}

/** True for a section that only the full set of clients can run. */
export function isForFullSet({ needs }: Section): boolean {
  const short = clientNames('clients');
  return needs.some((client) => !short.includes(client));
}

/** Lays out what the page presumes in the home of a shell, which then runs the lines of a section as they stand. */
export async function runSection(section: Section, shell: Shell, world: World): Promise<void> {
  await writeImage(shell, 'image');
  await writeBuildContext(shell, '.', 1024);
  await copyFile(world.caFile, join(shell.home, 'ca.pem'));
  const reader = shell.with({ REG_USER: world.username, REG_PASSWORD: world.password });
  for (const block of section.blocks) {
    await reader.run('bash', ['--norc', '-euo', 'pipefail', '-c', withAddresses(block, world)], { timeoutMs: 300_000 });
  }
}

function withAddresses(block: string, { loginServer, tlsServer }: World): string {
  const plain = loginServer.replace(/^127\.0\.0\.1:/, 'localhost:');
  return block.replaceAll('localhost:5000', plain).replaceAll('registry.example.com', tlsServer);
}
