import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { startContainerd } from './_containerd.ts';
import { startDaemon } from './_daemon.ts';
import type { Shell } from './_shell.ts';

/** A docker engine of our own, apart from any that the machine runs. */
export interface DockerEngine extends AsyncDisposable {
  /** A shell whose docker command lines speak to this engine. */
  shell(from: Shell): Shell;
}

/**
 * Starts containerd and dockerd below `folder`, without bridge and firewall rules, so that nothing outside the folder
 * changes. Needs root. `env` reaches the engine, which does all the talking to registries.
 */
export async function startDockerEngine(folder: string, env: NodeJS.ProcessEnv = {}): Promise<DockerEngine> {
  await using ends = new AsyncDisposableStack();
  const home = await mkdtemp(join(folder, 'e-'));
  const at = (name: string) => join(home, name);
  ends.defer(() => rm(home, { recursive: true, force: true }));
  const containerd = ends.use(await startContainerd(folder, env));
  await mkdir(at('x'));
  await writeFile(at('d.json'), '{}');
  const args = [
    `--config-file=${at('d.json')}`,
    `--data-root=${at('d')}`,
    `--exec-root=${at('x')}`,
    `--pidfile=${at('d.pid')}`,
    `--host=unix://${at('d.sock')}`,
    `--containerd=${containerd.socket}`,
    '--storage-driver=vfs',
    '--iptables=false',
    '--ip6tables=false',
    '--bridge=none',
    '--log-level=warn',
  ];
  const ready = () => answers(at('d.sock'));
  ends.use(await startDaemon('dockerd', { args, env: { HOME: home, ...env }, ready }));
  const running = ends.move();
  return {
    // The classic builder is in every engine and needs no plugin.
    shell: (from) => from.with({ DOCKER_HOST: `unix://${at('d.sock')}`, DOCKER_BUILDKIT: '0' }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: '/_ping', timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on('error', () => resolve(false));
    ping.on('timeout', () => ping.destroy());
    ping.end();
  });
}
