import { join } from 'node:path';
import type { Output, RunOptions } from './_process.ts';
import type { Shell } from './_shell.ts';

/** Runs podman with its images, state and events in folders of the shell, never in the machine's store. */
export function podman(shell: Shell, args: readonly string[], options?: RunOptions): Promise<Output> {
  return shell.run('podman', [...podmanFolders(shell), ...args], options);
}

/** Runs podman the same way, expecting that it says no. */
export function refusedPodman(shell: Shell, args: readonly string[], options?: RunOptions): Promise<Output> {
  return shell.refused('podman', [...podmanFolders(shell), ...args], options);
}

/** Runs buildah on the same folders. */
export function buildah(shell: Shell, args: readonly string[], options?: RunOptions): Promise<Output> {
  return shell.run('buildah', [...storage(shell), ...args], options);
}

function podmanFolders(shell: Shell): string[] {
  // Unlike crun, runc also knows the control groups of machines that mount both versions.
  const engine = ['--runtime', 'runc', '--cgroup-manager', 'cgroupfs', '--events-backend', 'file'];
  return [...storage(shell), ...engine, '--tmpdir', join(shell.home, 'tmp')];
}

function storage(shell: Shell): string[] {
  return ['--root', join(shell.home, 'storage'), '--runroot', join(shell.home, 'run'), '--storage-driver', 'vfs'];
}
