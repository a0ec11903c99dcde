import { everyProgram } from '../../tools/clients/versions.ts';
import { startDockerEngine } from './_docker-engine.ts';
import { writeBuildContext } from './_image.ts';
import type { Shell } from './_shell.ts';
import { test as base } from './_test.ts';
import type { World } from './_world.ts';

/** Tests with docker: `engine` is one engine for the file, `docker` a fresh home whose command line speaks to it. */
export const test = base
  .extend('engine', { scope: 'file' }, async ({ world }, { onCleanup }) => {
    const engine = await startDockerEngine(world.folder);
    onCleanup(() => engine[Symbol.asyncDispose]());
    return engine;
  })
  .extend('docker', async ({ engine, world }) => engine.shell(await world.shell()));

/** Every docker command line of this machine: Debian's, and a newer one where somebody put it. */
export function dockerCommandLines(): string[] {
  return everyProgram('docker');
}

export function login(docker: Shell, world: World, server = world.loginServer, cli = 'docker') {
  return docker.run(cli, ['login', '-u', world.username, '--password-stdin', server], { input: world.password });
}

/** Builds an image from scratch under `reference`. */
export async function build(docker: Shell, reference: string, extraBytes = 1024, cli = 'docker'): Promise<void> {
  const context = await writeBuildContext(docker, 'context', extraBytes);
  await docker.run(cli, ['build', '-t', reference, context]);
}
