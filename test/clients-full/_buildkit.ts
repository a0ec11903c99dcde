import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon } from '../clients/_daemon.ts';
import type { Shell } from '../clients/_shell.ts';

/** A builder of our own, apart from any that the machine runs. */
export interface Builder extends AsyncDisposable {
  /** A shell whose buildctl speaks to this builder. */
  shell(from: Shell): Shell;
}

/** Starts buildkitd with everything it keeps below `folder`. Needs root. `env` reaches it: it pushes and pulls. */
export async function startBuilder(folder: string, env: NodeJS.ProcessEnv = {}): Promise<Builder> {
  // Short names: the path of a Unix socket may have 107 characters.
  const home = await mkdtemp(join(folder, 'b-'));
  const socket = join(home, 's');
  const address = `unix://${socket}`;
  const worker = ['--containerd-worker=false', '--oci-worker=true', '--oci-worker-snapshotter=native'];
  const daemon = await startDaemon('buildkitd', {
    args: [`--root=${join(home, 'r')}`, `--addr=${address}`, `--config=${join(home, 'none.toml')}`, ...worker],
    env: { HOME: home, ...env },
    ready: async () => existsSync(socket),
  });
  return {
    shell: (from) => from.with({ BUILDKIT_HOST: address }),
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await rm(home, { recursive: true, force: true });
    },
  };
}
