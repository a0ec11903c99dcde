import { win32 } from 'node:path';
import type { KnownHosts } from './known-hosts.ts';
import type { Machine } from './machine.ts';
import type { TrustPlace } from './place.ts';

/** The file of host names, whose entries of ours stand between two lines that name this Berth. */
export function hostsFile(machine: Machine, options: KnownHosts): TrustPlace {
  const path = hostsPath(machine);
  const { label } = options.authority;
  const known = options.hosts.map((host) => host.replace(/:[0-9]+$/, ''));
  return {
    store: 'hosts',
    where: path,
    scope: 'machine',
    skip: options.unknown,
    async plan(action) {
      const text = await machine.read(path);
      if (text === undefined) throw new Error(`${path} cannot be read`);
      const next = withEntries(text, { label, names: action === 'add' ? known : [] });
      return next === text ? [] : [{ kind: 'edit', path, text: next }];
    },
  };
}

/** Where the system keeps the file. */
export function hostsPath(machine: Pick<Machine, 'platform' | 'env'>): string {
  if (machine.platform !== 'win32') return '/etc/hosts';
  return win32.join(machine.env['SystemRoot'] ?? 'C:\\Windows', 'System32\\drivers\\etc\\hosts');
}

/**
 * The text of a hosts file with exactly `names` between the marker lines of `label`, all on 127.0.0.1; without names the
 * markers go, too. Everything else stays as it is, line ends included. Throws when only one of the markers is there.
 */
export function withEntries(text: string, options: { label: string; names: readonly string[] }): string {
  const begin = `# begin ${options.label}, by berth trust --hosts`;
  const end = `# end ${options.label}`;
  const lines = text.split(/(?<=\n)/);
  const first = lines.findIndex((line) => line.trimEnd() === begin);
  const last = lines.findIndex((line) => line.trimEnd() === end);
  if (first >= 0 !== last >= 0 || last < first) {
    throw new Error(`the lines "${begin}" and "${end}" do not belong together; put the file in order by hand`);
  }
  const before = first < 0 ? lines : lines.slice(0, first);
  const after = first < 0 ? [] : lines.slice(last + 1);
  const names = [...new Set(options.names)].toSorted();
  if (names.length === 0) return [...before, ...after].join('');
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const block = [begin, ...names.map((name) => `127.0.0.1 ${name}`), end].map((line) => `${line}${lineEnd}`);
  const head = before.join('');
  return [head, head === '' || head.endsWith('\n') ? '' : lineEnd, ...block, ...after].join('');
}
