/**
 * Makes `dist` from `src` by erasing types, so that production needs no compiler: Node 24 strips the types, relative
 * `.ts` specifiers become `.js`. Lines stay where they were, so stack traces fit the sources without source maps.
 */
import { createHash, randomBytes } from 'node:crypto';
import { access, constants, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { packLibraries } from './vendor.ts';

/** What makes the output, below `tools`. */
export const builderFiles: readonly string[] = ['build.ts', 'vendor.ts'];
/** The libraries that are wanted, and those that npm has installed. */
const lockFiles = ['package-lock.json', 'node_modules/.package-lock.json'];
/** Digest of all that the program was built from. */
const stampName = '.stamp';
/** How that was found in the file system, by which `bin/berth` sees at a start that it need not be read again. */
const foundName = '.found';
/** Two starts at once: the second waits this long for the first to build. */
const lockTimeoutMs = 30_000;

const specifier = /(\bfrom\s*|\bimport\s*\(\s*|\bimport\s*|\bnew URL\(\s*)(['"])(\.{1,2}\/[^'"\n]+)\.ts\2/g;

/** Where the program begins, and how it came there. */
export interface BuildResult {
  /** `built` now, `fresh` from before, or `source` when `dist` cannot be written and the sources run as they are. */
  readonly state: 'built' | 'fresh' | 'source';
  readonly entry: string;
}

/**
 * Sees to it that `dist` under `root` is what `src` says. Starts that build at the same time take turns, a reader never
 * finds half a build, and where nothing can be written the sources are the program.
 */
export async function ensureBuilt(root: string): Promise<BuildResult> {
  const entry = join(root, 'dist', 'main', 'cli.js');
  // Looked at before it is read, so that what changes meanwhile is seen at the next start.
  const found = await findAll(root);
  const files = await sourceFiles(join(root, 'src'));
  const stamp = stampOf(new Map([...files, ...(await otherInputs(root))]));
  if ((await readStamp(root)) === stamp) {
    // Touched, and the same: the next start need not read it all again, where that can be written down.
    await writeFile(join(root, 'dist', foundName), foundText(stamp, found)).catch((error: NodeJS.ErrnoException) => {
      if (!/^(?:EACCES|ENOENT|EPERM|EROFS)$/.test(error.code ?? '')) throw error;
    });
    return { state: 'fresh', entry };
  }
  if (!(await isWritable(root))) return { state: 'source', entry: join(root, 'src', 'main', 'cli.ts') };
  const cache = join(root, '.cache');
  await mkdir(cache, { recursive: true });
  const turn = new DatabaseSync(join(cache, 'build.lock'), { timeout: lockTimeoutMs });
  try {
    turn.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    if ((await readStamp(root)) === stamp) return { state: 'fresh', entry };
    await build(
      root,
      cache,
      files,
      new Map([
        [stampName, stamp],
        [foundName, foundText(stamp, found)],
      ]),
    );
    return { state: 'built', entry };
  } finally {
    turn.close();
  }
}

/** Erases the types of one module and points its relative imports at the output. Throws for syntax that has runtime meaning. */
export function compileModule(source: string): string {
  return stripQuietly(source).replaceAll(specifier, '$1$2$3.js$2');
}

async function build(
  root: string,
  cache: string,
  files: ReadonlyMap<string, Buffer>,
  notes: ReadonlyMap<string, string>,
): Promise<void> {
  for (const name of await readdir(cache)) {
    if (name.startsWith('dist-')) await rm(join(cache, name), { recursive: true });
  }
  const fresh = join(cache, `dist-${process.pid}-${randomBytes(4).toString('hex')}`);
  const old = `${fresh}-old`;
  const outputs = new Map<string, string | Buffer>();
  for (const [path, content] of files) {
    outputs.set(path.replace(/\.ts$/, '.js'), path.endsWith('.ts') ? compileFile(path, content.toString()) : content);
  }
  checkSpecifiers(outputs);
  const packed = await packLibraries(root, fresh, outputs);
  for (const [path, content] of packed) {
    await mkdir(dirname(join(fresh, path)), { recursive: true });
    await writeFile(join(fresh, path), content);
  }
  for (const [name, text] of notes) await writeFile(join(fresh, name), text);
  const dist = join(root, 'dist');
  await rename(dist, old).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(fresh, dist);
  await rm(old, { recursive: true, force: true });
}

function compileFile(path: string, source: string): string {
  try {
    return compileModule(source);
  } catch (error) {
    throw new Error(`src/${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** A specifier that points at nothing would fail only when that module is loaded. */
function checkSpecifiers(outputs: ReadonlyMap<string, string | Buffer>): void {
  for (const [path, content] of outputs) {
    if (typeof content !== 'string') continue;
    for (const [, , , target] of content.matchAll(/(\bfrom\s*|\bimport\s*\(?\s*)(['"])(\.{1,2}\/[^'"\n]+\.js)\2/g)) {
      const resolved = posix.join(posix.dirname(path), target ?? '');
      if (!outputs.has(resolved))
        throw new Error(`src/${path.replace(/js$/, 'ts')} imports "${target}", which is not part of the program`);
    }
  }
}

/** Files of the program by path below `src`, tests and their helpers left out. */
async function sourceFiles(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && isProgram(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
  const contents = await Promise.all(paths.map((path) => readFile(join(folder, path))));
  return new Map(paths.map((path, index) => [path.replaceAll('\\', '/'), contents[index] as Buffer]));
}

/** What the output follows from besides the sources. */
async function otherInputs(root: string): Promise<Map<string, Buffer>> {
  const inputs = new Map<string, Buffer>();
  for (const name of builderFiles) inputs.set(`tools/${name}`, await readFile(join(import.meta.dirname, name)));
  for (const path of lockFiles) {
    inputs.set(
      path,
      await readFile(join(root, path)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        return Buffer.alloc(0);
      }),
    );
  }
  return inputs;
}

/** Modification, change (which no program sets) and size of a file or folder; null when there is none. */
type Found = readonly [mtimeMs: number, ctimeMs: number, size: number] | null;

/** All that the output follows from, and the folders of the sources, as they are in the file system now. */
async function findAll(root: string): Promise<Map<string, Found>> {
  const entries = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true });
  const sources = entries
    .filter((entry) => entry.isDirectory() || isProgram(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  const paths = [...lockFiles, ...builderFiles.map((name) => join('tools', name)), 'src', ...sources];
  const stats = await Promise.all(paths.map((path) => findOne(join(root, path))));
  return new Map(paths.map((path, index) => [path, stats[index] ?? null]));
}

async function findOne(path: string): Promise<Found> {
  try {
    const { mtimeMs, ctimeMs, size } = await stat(path);
    return [mtimeMs, ctimeMs, size];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return null;
  }
}

function foundText(stamp: string, found: ReadonlyMap<string, Found>): string {
  return JSON.stringify({ stamp, found: Object.fromEntries(found) });
}

function isProgram(name: string): boolean {
  return !/^_|\.(?:test|contract)\.ts$|\.md$|\.d\.ts$/.test(name);
}

function stampOf(files: ReadonlyMap<string, Buffer>): string {
  const hash = createHash('sha256');
  for (const [path, content] of files) hash.update(`\0${path}\0${content.byteLength}\0`).update(content);
  return hash.digest('hex');
}

async function readStamp(root: string): Promise<string | undefined> {
  return readFile(join(root, 'dist', stampName), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

async function isWritable(root: string): Promise<boolean> {
  try {
    await access(root, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The stripper says that it is experimental on each first use; the version of Node is pinned, so that says nothing here. */
function stripQuietly(source: string): string {
  const emitWarning = Object.getOwnPropertyDescriptor(process, 'emitWarning');
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(source, { mode: 'strip' });
  } finally {
    if (emitWarning) Object.defineProperty(process, 'emitWarning', emitWarning);
  }
}

if (import.meta.main) {
  const started = performance.now();
  const { state, entry } = await ensureBuilt(join(import.meta.dirname, '..'));
  const took = `${Math.round(performance.now() - started)} ms`;
  console.log(process.argv.includes('--print-entry') ? entry : `${state}: ${entry} (${took})`);
}
