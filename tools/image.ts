/**
 * `npm run image`: builds the container image. `-- --tag NAME` names it, `-- --base IMAGE` puts it on another glibc base.
 * The engine is the one that `docker` speaks to (DOCKER_HOST).
 */
import { spawn } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt } from './build.ts';
import { projectRoot } from './steps.ts';

/** Architectures for which a Node comes with the installation, as engines call them and as npm does. */
const architectures: Readonly<Record<string, string>> = { amd64: 'x64', arm64: 'arm64' };

export interface ImageOptions {
  readonly tag: string;
  /** Absent: the one that the Dockerfile names. */
  readonly base?: string;
}

/** Makes a clean context in a temporary folder and has the engine build it. */
export async function buildImage(root: string, options: ImageOptions): Promise<void> {
  const engine = (await output('docker', ['version', '--format', '{{.Server.Os}}/{{.Server.Arch}}'])).trim();
  const architecture = architectures[engine.replace(/^linux\//, '')];
  if (architecture === undefined)
    throw new Error(`the engine is ${engine}; images are made for linux/amd64 and linux/arm64`);
  const context = await mkdtemp(join(tmpdir(), 'berth-image-'));
  try {
    await writeContext(root, context, architecture);
    const base = options.base === undefined ? [] : ['--build-arg', `BASE=${options.base}`];
    await run('docker', ['build', '--tag', options.tag, ...base, context], root);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

async function writeContext(root: string, context: string, architecture: string): Promise<void> {
  const app = join(context, 'app');
  await mkdir(join(app, 'bin'), { recursive: true, mode: 0o755 });
  await mkdir(join(context, 'data'), { mode: 0o700 });
  await copyFile(join(root, 'Dockerfile'), join(context, 'Dockerfile'));
  for (const name of ['package.json', 'package-lock.json', '.npmrc', 'LICENSE']) {
    await copyFile(join(root, name), join(app, name));
  }
  const platform = ['--os=linux', `--cpu=${architecture}`, '--libc=glibc'];
  await run('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', ...platform], app);
  // The bundler has done its work when the image is made.
  for (const name of ['rolldown', '@rolldown', '@oxc-project']) {
    await rm(join(app, 'node_modules', name), { recursive: true, force: true });
  }
  const node = join('node_modules', `node-linux-${architecture}`);
  // Headers and manuals, a third of the whole.
  for (const name of ['include', 'share']) await rm(join(app, node, name), { recursive: true, force: true });
  await symlink(join('..', node, 'bin', 'node'), join(app, 'bin', 'node'));
  await copyFile(join(root, 'bin', 'berth'), join(app, 'bin', 'berth'));
  const { state } = await ensureBuilt(root);
  if (state === 'source') throw new Error(`${join(root, 'dist')} cannot be written`);
  for (const name of ['dist', join('contracts', 'operations'), join('contracts', 'schemas')]) {
    await cp(join(root, name), join(app, name), { recursive: true });
  }
}

function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ${args[0]} ended with ${code}`));
    });
  });
}

function output(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(text);
      else reject(new Error(`${program} ${args[0]} ended with ${code}`));
    });
  });
}

if (import.meta.main) {
  const { version } = JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')) as { version: string };
  const { values } = parseArgs({ options: { tag: { type: 'string' }, base: { type: 'string' } } });
  const tag = values.tag ?? `berth:${version}`;
  try {
    await buildImage(projectRoot, { tag, ...(values.base === undefined ? {} : { base: values.base }) });
    console.log(`built ${tag}`);
  } catch (error) {
    console.error(`image: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
