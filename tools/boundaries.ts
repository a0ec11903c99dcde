/**
 * Holds every import and a few habits against the tables below, and prints one line per violation. Rooms are the folders
 * of `src/`; each adapter is a room of its own.
 */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';

/** Which rooms a room may import, each through its `index.ts`. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  http: ['kernel'],
  ports: ['kernel'],
  data: ['kernel', 'http', 'ports'],
  identity: ['kernel', 'http', 'ports', 'data'],
  content: ['kernel', 'http', 'ports', 'data', 'identity'],
  azure: ['kernel', 'http', 'ports', 'data', 'identity', 'content'],
  main: ['kernel', 'http', 'ports', 'data', 'identity', 'content', 'azure', 'adapters'],
  adapters: ['kernel', 'ports'],
};

/** Folders of `src/adapters/` that other adapters may import through their door: what one technology's adapters share. */
const sharedAdapters = ['src/adapters/sql'];

/** Text that may not stand in code. `allowed` are the files where it may; without it, nowhere. */
const habits: readonly {
  readonly pattern: RegExp;
  readonly message: string;
  readonly allowed?: RegExp;
  /** Also looked for in tests and tools. */
  readonly everywhere?: boolean;
}[] = [
  { pattern: /\.pipe\(/, message: 'uses .pipe; use pipeline, which passes errors on', everywhere: true },
  {
    pattern: /rejectUnauthorized['"]?\s*:\s*false/,
    message: 'switches certificate checks off; trust the authority instead',
    everywhere: true,
  },
  {
    pattern: /\bMath\.random\b/,
    message: 'uses Math.random, which others can guess; take ids from the kernel',
    // Jitter of a back-off is no secret.
    allowed: /^src\/adapters\/sql-postgres\/transact\.ts$/,
  },
  {
    pattern: /(?<![.\w])statement\s*[(<]/,
    message: 'declares SQL; it belongs into store.ts, *-store.ts, transactions.ts, *-transactions.ts or data/',
    allowed: /^src\/data\/|(?:^|[/-])(?:store|transactions)\.ts$/,
  },
  {
    pattern: /from 'node:(?:http|https|http2)'/,
    message: 'speaks HTTP by itself; servers belong into http/, clients into adapters/',
    allowed: /^src\/(?:http|adapters|main)\//,
  },
  {
    pattern: /(?<![.\w])fetch\(/,
    message: 'reaches outside by itself; use the fetcher port',
    allowed: /^src\/adapters\//,
  },
];

/** Folders whose files are read. Imports are held against the rooms in `src` only. */
const folders = ['src', 'test', 'tools', 'bench'];
/** These quote what they forbid. */
const quoting = /^tools\/boundaries(?:\.test)?\.ts$/;
const emptyNames = ['utils', 'util', 'helpers', 'helper', 'common', 'misc'];
const maxLines = 600;
/** Generated files and pure tables may be longer. */
const longAllowed = /^src\/contracts\/|\.generated\.ts$/;

/** Reads the project under `root` and answers one line per violation, ordered by file. */
export async function findViolations(root: string): Promise<string[]> {
  const files = await readSources(root);
  const violations: string[] = [];
  for (const [path, text] of files) {
    const report = (message: string) => violations.push(`${path}: ${message}`);
    checkName(path, report);
    checkLength(path, text, report);
    if (!quoting.test(path)) checkHabits(path, text, report);
    if (path.startsWith('src/')) checkImports(path, text, report);
  }
  return violations;
}

type Report = (message: string) => unknown;

function checkName(path: string, report: Report): void {
  const name = basename(path).replace(/^_/, '').replace(/\..*$/, '');
  if (emptyNames.includes(name)) report(`"${name}" says nothing; name the file after the concept that it holds`);
  if (name !== name.toLowerCase()) report('file names are kebab-case');
}

function checkLength(path: string, text: string, report: Report): void {
  const lines = text.split('\n').length - 1;
  if (lines > maxLines && !longAllowed.test(path)) report(`has ${lines} lines; ${maxLines} is the limit`);
}

function checkHabits(path: string, text: string, report: Report): void {
  const lines = withoutComments(text).split('\n');
  for (const habit of habits) {
    if (habit.allowed?.test(path)) continue;
    if (!habit.everywhere && (!path.startsWith('src/') || isTest(path))) continue;
    const index = lines.findIndex((line) => habit.pattern.test(line));
    if (index !== -1) report(`line ${index + 1} ${habit.message}`);
  }
}

function checkImports(path: string, text: string, report: Report): void {
  const from = roomOf(path);
  if (from === undefined) {
    report('is in no room; files belong into a folder of src/ that tools/boundaries.ts knows');
    return;
  }
  for (const specifier of importsOf(text)) {
    if (!specifier.startsWith('.')) {
      if (from.room === 'kernel' && !isTest(path) && !specifier.startsWith('node:')) {
        report(`imports "${specifier}"; kernel imports nothing`);
      }
      continue;
    }
    checkImport({ path, specifier, from, report });
  }
}

function checkImport(found: { path: string; specifier: string; from: Room; report: Report }): void {
  const { path, specifier, from, report } = found;
  const target = posix.join(posix.dirname(path), specifier);
  if (!/\.[a-z]+$/.test(specifier)) report(`imports "${specifier}" without its extension`);
  if (isTest(path)) return;
  if (isTest(target)) {
    report(`imports "${specifier}", which is for tests`);
    return;
  }
  const to = roomOf(target);
  if (to === undefined) {
    report(`imports "${specifier}", which is outside the rooms of src/`);
    return;
  }
  if (to.path === from.path) return;
  const shared = from.room === 'adapters' && sharedAdapters.includes(to.path);
  if (!shared && !rooms[from.room]?.includes(to.room)) {
    report(`imports "${specifier}"; ${from.room} may import ${rooms[from.room]?.join(', ') || 'nothing'}`);
    return;
  }
  if (target !== `${to.path}/index.ts`) report(`imports "${specifier}" past the door ${to.path}/index.ts`);
}

interface Room {
  readonly room: string;
  /** The folder that the room's door is in. */
  readonly path: string;
}

function roomOf(path: string): Room | undefined {
  const [, room = '', adapter = ''] = path.split('/');
  if (!Object.hasOwn(rooms, room) || adapter === '') return undefined;
  return { room, path: room === 'adapters' ? `src/adapters/${adapter}` : `src/${room}` };
}

function isTest(path: string): boolean {
  return /\.(?:test|contract)\.ts$|(?:^|\/)_[^/]*\.ts$/.test(path);
}

function importsOf(text: string): string[] {
  const code = withoutComments(text);
  const found = code.matchAll(/(?:\bfrom\s*|\bimport\s*\(\s*|^\s*import\s+)(['"])([^'"\n]+)\1/gm);
  return [...found].map((match) => match[2] ?? '');
}

/** Blanks comments, so that prose is not taken for code; lines stay where they are. Strings and templates are left alone. */
function withoutComments(text: string): string {
  const token = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  return text.replace(token, (match) => (match.startsWith('/') ? match.replace(/[^\n]/g, ' ') : match));
}

async function readSources(root: string): Promise<[string, string][]> {
  const paths: string[] = [];
  for (const folder of folders) paths.push(...(await listSources(root, folder)));
  return Promise.all(paths.map(async (path) => [path, await readFile(join(root, path), 'utf8')] as [string, string]));
}

async function listSources(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    },
  );
  return entries
    .filter((entry) => entry.isFile() && /\.[mc]?[jt]sx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !path.includes('node_modules/'))
    .toSorted();
}

if (import.meta.main) {
  const violations = await findViolations(join(import.meta.dirname, '..'));
  for (const violation of violations) console.log(violation);
  console.log(violations.length === 0 ? 'boundaries hold' : `${violations.length} violations`);
  if (violations.length > 0) process.exitCode = 1;
}
