import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { clientsPath, locate } from '../../tools/clients/locate.ts';
import { stop, tail } from './_process.ts';
import type { Shell } from './_shell.ts';

/** A docker engine of our own, apart from any that the machine runs. */
export interface DockerEngine extends AsyncDisposable {
  /** A shell whose docker command lines speak to this engine. */
  shell(from: Shell): Shell;
}

const startTimeoutMs = 60_000;
const graceMs = 20_000;

/**
 * Starts containerd and dockerd below `folder`, without bridge and firewall rules, so that nothing outside the folder
 * changes. Needs root. `env` reaches the engine, which does all the talking to registries.
 */
export async function startDockerEngine(folder: string, env: NodeJS.ProcessEnv = {}): Promise<DockerEngine> {
  // Short names: the path of a Unix socket may have 107 characters.
  const home = await mkdtemp(join(folder, 'e-'));
  const at = (name: string) => join(home, name);
  await mkdir(at('x'));
  const started: { name: string; child: ChildProcess; log: () => string }[] = [];
  const start = (name: string, args: string[]) => {
    const program = locate(name);
    if (program === undefined) throw new Error(`${name} is not installed`);
    const child = spawn(program, args, {
      env: { PATH: clientsPath(), HOME: home, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.push({ name, child, log: tail(child) });
  };
  const end = async () => {
    for (const { child } of started.toReversed()) await stop(child, graceMs);
    await rm(home, { recursive: true, force: true });
  };
  const ready = async (what: string, condition: () => Promise<boolean>) => {
    const deadline = Date.now() + startTimeoutMs;
    while (!(await condition())) {
      const gone = started.find(({ child }) => child.exitCode !== null || child.signalCode !== null);
      if (gone !== undefined || Date.now() > deadline) {
        const logs = started.map(({ name, log }) => `--- ${name}\n${log()}`).join('\n');
        await end();
        throw new Error(`${gone?.name ?? what} ${gone === undefined ? 'is not ready' : 'ended'}\n${logs}`);
      }
      await pause(50);
    }
  };

  await writeFile(
    at('c.toml'),
    [
      'version = 2',
      `root = "${at('cr')}"`,
      `state = "${at('cs')}"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      `[grpc]\n  address = "${at('c.sock')}"`,
      `[ttrpc]\n  address = "${at('ct.sock')}"`,
    ].join('\n'),
  );
  start('containerd', ['--config', at('c.toml'), '--log-level', 'warn']);
  await ready('containerd', async () => existsSync(at('c.sock')));

  await writeFile(at('d.json'), '{}');
  start('dockerd', [
    `--config-file=${at('d.json')}`,
    `--data-root=${at('d')}`,
    `--exec-root=${at('x')}`,
    `--pidfile=${at('d.pid')}`,
    `--host=unix://${at('d.sock')}`,
    `--containerd=${at('c.sock')}`,
    '--storage-driver=vfs',
    '--iptables=false',
    '--ip6tables=false',
    '--bridge=none',
    '--log-level=warn',
  ]);
  await ready('dockerd', () => answers(at('d.sock')));

  return {
    // The classic builder is in every engine and needs no plugin.
    shell: (from) => from.with({ DOCKER_HOST: `unix://${at('d.sock')}`, DOCKER_BUILDKIT: '0' }),
    [Symbol.asyncDispose]: end,
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
