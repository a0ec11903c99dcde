/** How tests run az: a call whose first text is the line, or a line of a shell script that ends at the first failure. */
const calls =
  /(?:\.(?:run|json|tsv)|\b(?:inEveryForm|startCommand))(?:<[^()'"`]*>+)?\(\s*(?:\w+(?:\(\))?,\s*)?(['"`])((?:(?!\1)[^\\]|\\.)*)\1/g;
const scriptLines = /(?:^|[\n(]|=\$\(|"\$\()\s*az ([a-z][^\n)]*)/g;

/**
 * The commands of az among `known` that a test's source runs, each of which has to end well there. The longest name wins:
 * `acr manifest list-metadata` is no `acr manifest list`.
 */
export function commandsRun(source: string, known: ReadonlySet<string>): Set<string> {
  const found = new Set<string>();
  for (const line of linesRun(source)) {
    const name = commandOf(line, known);
    if (name !== undefined) found.add(name);
  }
  return found;
}

/** The command that a line begins with; undefined for none of those that are known. */
export function commandOf(line: string, known: ReadonlySet<string>): string | undefined {
  const words = line.trim().split(/\s+/);
  const names = words.map((_, index) => words.slice(0, index + 1).join(' '));
  return names.findLast((name) => known.has(name));
}

function linesRun(source: string): string[] {
  const called = [...source.matchAll(calls)].map((match) => match[2] ?? '');
  const scripts = [...source.matchAll(/String\.raw`([^`]*)`/g)].flatMap(([, script = '']) =>
    [...script.matchAll(scriptLines)].map((match) => match[1] ?? ''),
  );
  return [...called, ...scripts];
}
