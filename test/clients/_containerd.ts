import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon } from './_daemon.ts';

/** A containerd of our own, apart from any that the machine runs. */
export interface Containerd extends AsyncDisposable {
  readonly socket: string;
}

/** Starts containerd with everything it keeps below `folder`. Needs root. */
export async function startContainerd(folder: string, env: NodeJS.ProcessEnv = {}): Promise<Containerd> {
  // Short names: the path of a Unix socket may have 107 characters.
  const home = await mkdtemp(join(folder, 'c-'));
  const at = (name: string) => join(home, name);
  const socket = at('c.sock');
  await writeFile(
    at('c.toml'),
    [
      'version = 2',
      `root = "${at('r')}"`,
      `state = "${at('s')}"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      `[grpc]\n  address = "${socket}"`,
      `[ttrpc]\n  address = "${at('t.sock')}"`,
    ].join('\n'),
  );
  const args = ['--config', at('c.toml'), '--log-level', 'warn'];
  const daemon = await startDaemon('containerd', {
    args,
    env: { HOME: home, ...env },
    ready: async () => existsSync(socket),
  });
  return {
    socket,
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await rm(home, { recursive: true, force: true });
    },
  };
}
