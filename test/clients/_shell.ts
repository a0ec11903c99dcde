import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { clientsPath } from '../../tools/clients/locate.ts';
import { type Output, type RunOptions, refused, run } from './_process.ts';

/** A place to run clients from: its own home and login file, and nothing of the caller's environment but PATH. */
export interface Shell {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** The same place with more environment. */
  with(env: NodeJS.ProcessEnv): Shell;
  /** Runs a program that must succeed. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<Output>;
  /** Runs a program that must say no. */
  refused(program: string, args: readonly string[], options?: RunOptions): Promise<Output>;
}

/** Makes a home of its own under `folder`. The files go when the folder goes. */
export async function openShell(folder: string): Promise<Shell> {
  const home = await mkdtemp(join(folder, 'home-'));
  const docker = join(home, '.docker');
  const runtime = join(home, 'run');
  await mkdir(docker);
  await mkdir(runtime, { mode: 0o700 });
  return shell(home, {
    PATH: clientsPath(),
    HOME: home,
    LANG: 'C.UTF-8',
    TMPDIR: home,
    DOCKER_CONFIG: docker,
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_RUNTIME_DIR: runtime,
    REGISTRY_AUTH_FILE: join(home, 'auth.json'),
  });
}

function shell(home: string, env: NodeJS.ProcessEnv): Shell {
  return {
    home,
    env,
    with: (more) => shell(home, { ...env, ...more }),
    run: (program, args, options) => run(program, args, env, { cwd: home, ...options }),
    refused: (program, args, options) => refused(program, args, env, { cwd: home, ...options }),
  };
}
