/**
 * Holds package-lock.json against what `npm ci` needs on any machine: no download addresses (each machine has its own
 * registry), a checksum for each package that our machines install, and every package of every `optionalDependencies`.
 * A platform package that the registry of the moment does not have drops out of the lock without a word, and then
 * `npm ci` refuses the lock as out of step. `--complete` puts such names back, marked for their platform.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface Absent {
  readonly name: string;
  readonly version: string;
  readonly parent: string;
  readonly dev: boolean;
}

/** Platforms that development and production run on; their packages need a checksum. */
const ourPlatform = /linux-(?:x64|arm64)(?!.*musl)/;

/** One line for each thing that is wrong with a lock file. `manifest` and `lock` are the two files' texts. */
export function lockProblems(manifest: string, lock: string): string[] {
  const { optionalDependencies = {} } = JSON.parse(manifest) as LockedPackage;
  const { packages } = JSON.parse(lock) as Lock;
  const problems: string[] = [];
  for (const [path, locked] of Object.entries(packages)) {
    if (!path.includes('node_modules/') || locked.link) continue;
    if (locked.resolved !== undefined) problems.push(`${path} has a download address; .npmrc must leave those out`);
    const elsewhere = locked.optional && locked.os !== undefined && !ourPlatform.test(path);
    if (locked.integrity === undefined && !elsewhere) problems.push(`${path} has no checksum`);
  }
  for (const { name, parent } of absentPackages(packages)) {
    problems.push(`${name}, a platform package of ${parent}, is missing; run: node tools/lock-check.ts --complete`);
  }
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const locked = packages[`node_modules/${name}`];
    if (locked === undefined) problems.push(`${name}, a platform package of package.json, is missing`);
    else if (locked.version !== version) problems.push(`${name} is locked at ${locked.version}, not ${version}`);
  }
  return problems;
}

/**
 * The text of a lock with the absent platform packages of other platforms put back. They have no checksum, because there is
 * nothing to make one from; npm skips them on our platforms. Throws for one of our platforms, which must be real.
 */
export function completeLock(lock: string): string {
  const parsed = JSON.parse(lock) as Lock;
  const added = absentPackages(parsed.packages).map(({ name, version, parent, dev }) => {
    if (ourPlatform.test(name))
      throw new Error(`${name} of ${parent} is for our platforms, and the registry must have it`);
    const entry: LockedPackage = { version, ...(dev ? { dev } : {}), optional: true, ...platformOf(name) };
    return [`node_modules/${name}`, entry] as const;
  });
  const entries = [...Object.entries(parsed.packages), ...added].toSorted(([left], [right]) =>
    left.localeCompare(right, 'en'),
  );
  return `${JSON.stringify({ ...parsed, packages: Object.fromEntries(entries) }, null, 2)}\n`;
}

function absentPackages(packages: Lock['packages']): Absent[] {
  return Object.entries(packages).flatMap(([parent, locked]) =>
    // The root's own are held against package.json.
    Object.entries(parent === '' ? {} : (locked.optionalDependencies ?? {}))
      .filter(([name]) => !isLocked(packages, parent, name))
      .map(([name, version]) => ({ name, version, parent, dev: locked.dev === true })),
  );
}

/** Looks a package up as Node does: below its parent first, then outwards. */
function isLocked(packages: Lock['packages'], parent: string, name: string): boolean {
  for (let at = parent; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (Object.hasOwn(packages, `${at}/node_modules/${name}`)) return true;
  }
  return Object.hasOwn(packages, `node_modules/${name}`);
}

/** What the name of a platform package says about where it runs. */
function platformOf(name: string): Pick<LockedPackage, 'os' | 'cpu' | 'libc'> {
  const match =
    /(?<os>aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)-(?<cpu>arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|x64)/.exec(
      name,
    );
  const { os, cpu } = match?.groups ?? {};
  if (os === undefined || cpu === undefined) throw new Error(`the name ${name} does not say which platform it is for`);
  const libc = os !== 'linux' ? undefined : name.includes('musl') ? 'musl' : 'glibc';
  return { os: [os], cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }) };
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const lockFile = join(root, 'package-lock.json');
  const manifest = await readFile(join(root, 'package.json'), 'utf8');
  if (process.argv.includes('--complete')) await writeFile(lockFile, completeLock(await readFile(lockFile, 'utf8')));
  const problems = lockProblems(manifest, await readFile(lockFile, 'utf8'));
  for (const problem of problems) console.log(`package-lock.json: ${problem}`);
  if (problems.length === 0) console.log('package-lock.json is complete');
  else process.exitCode = 1;
}
