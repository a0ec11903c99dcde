/**
 * Packs each library that the program imports into one file beside it, with what of it is used. Node takes a tenth of the
 * time and of the memory for it: kysely alone is 300 modules, loaded by two threads.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';

/** Folder of the packed libraries, below the program's root. */
const vendorFolder = 'vendor';
const bareImport = /\b(import|export)\s*([^'";]*?)\s*\bfrom\s*(['"])((?!node:)[^.'"/][^'"\n]*)\3/g;

/**
 * Packs the libraries of a built program into its folder, and answers the program with imports that point there. The
 * program is unchanged where the bundler has no binary for this machine.
 */
export async function packLibraries(
  root: string,
  folder: string,
  outputs: ReadonlyMap<string, string | Buffer>,
): Promise<ReadonlyMap<string, string | Buffer>> {
  const wanted = wantedNames(outputs);
  const bundler = wanted.size === 0 ? undefined : await import('rolldown').catch(() => undefined);
  if (!bundler) return outputs;
  for (const [library, names] of wanted) {
    const entry = join(root, '.cache', `entry-${process.pid}-${fileName(library)}`);
    await writeFile(entry, entryText(library, names));
    try {
      const bundle = await bundler.rolldown({
        input: entry,
        platform: 'node',
        logLevel: 'silent',
        // Asked for by pg where it is installed; it is not.
        external: ['pg-native'],
      });
      await bundle.write({ file: join(folder, vendorFolder, fileName(library)), format: 'esm', codeSplitting: false });
    } finally {
      await rm(entry, { force: true });
    }
  }
  return new Map(
    [...outputs].map(([path, content]) => [path, typeof content === 'string' ? point(path, content) : content]),
  );
}

/** What the program imports of each library. */
function wantedNames(outputs: ReadonlyMap<string, string | Buffer>): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>();
  for (const [path, content] of outputs) {
    if (typeof content !== 'string') continue;
    for (const [, , clause = '', , library = ''] of content.matchAll(bareImport)) {
      const named = /^\{([^}]*)\}$/.exec(clause.trim());
      if (!named) throw new Error(`src/${path.replace(/js$/, 'ts')} imports ${library} otherwise than by names`);
      const names = (named[1] ?? '').split(',').flatMap((one) => one.trim().split(/\s+as\s+/)[0] || []);
      wanted.set(library, new Set([...(wanted.get(library) ?? []), ...names]));
    }
  }
  return wanted;
}

/** Names are taken from the namespace one by one, because a bundler cannot see what a CommonJS module exports. */
function entryText(library: string, names: ReadonlySet<string>): string {
  return [
    `import * as library from ${JSON.stringify(library)};`,
    ...[...names].toSorted().map((name) => `export const ${name} = library.${name};`),
    '',
  ].join('\n');
}

function point(path: string, content: string): string {
  return content.replaceAll(bareImport, (_, word: string, clause: string, quote: string, library: string) => {
    const target = posix.relative(posix.dirname(path), posix.join(vendorFolder, fileName(library)));
    return `${word} ${clause} from ${quote}${target.startsWith('.') ? target : `./${target}`}${quote}`;
  });
}

function fileName(library: string): string {
  return `${library.replace('@', '').replaceAll('/', '-')}.js`;
}
