import { join } from 'node:path';
import { type Authority, isOnlyAuthority } from './authority.ts';
import type { Machine } from './machine.ts';
import { macosKeychain } from './macos-keychain.ts';
import { noPlace, type TrustPlace } from './place.ts';
import { windowsStore } from './windows-store.ts';

/** A folder of local authorities, and the program that makes the system's bundles from it. */
interface AnchorFolder {
  readonly folder: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Arguments after a removal, where they differ. */
  readonly afterRemoval?: readonly string[];
}

/** Looked for in this order: SUSE has Debian's program, too, and only the folder tells them apart. */
const anchorFolders: readonly AnchorFolder[] = [
  { folder: '/etc/pki/ca-trust/source/anchors', program: 'update-ca-trust', args: ['extract'] },
  { folder: '/etc/pki/trust/anchors', program: 'update-ca-certificates', args: [] },
  { folder: '/etc/ca-certificates/trust-source/anchors', program: 'trust', args: ['extract-compat'] },
  {
    folder: '/usr/local/share/ca-certificates',
    program: 'update-ca-certificates',
    args: [],
    // Debian's program leaves the links of a removed file in /etc/ssl/certs, unless it makes all of them anew.
    afterRemoval: ['--fresh'],
  },
];

/** The store that most programs of the system read: an anchor folder on Linux, a keychain, Windows' own. */
export async function systemStore(machine: Machine, authority: Authority): Promise<TrustPlace[]> {
  if (machine.platform === 'darwin') return [macosKeychain(machine, authority)];
  if (machine.platform === 'win32') return [windowsStore(machine, authority)];
  for (const known of anchorFolders) {
    if ((await machine.isFolder(known.folder)) && (await machine.find(known.program)) !== undefined) {
      return [anchor(machine, authority, known)];
    }
  }
  return [noPlace('system', 'no known store of the system here; install ca-certificates')];
}

function anchor(machine: Machine, authority: Authority, known: AnchorFolder): TrustPlace {
  const path = join(known.folder, authority.fileName);
  const { program, args, afterRemoval = args } = known;
  return {
    store: 'system',
    where: path,
    scope: 'machine',
    skip: null,
    async plan(action) {
      const text = await machine.read(path);
      const isThere = isOnlyAuthority(text, authority);
      if (action === 'add' && text !== undefined && !isThere) throw new Error(`${path} is not a file of ours`);
      if (action === 'add')
        return isThere
          ? []
          : [
              { kind: 'write', path, text: authority.pem },
              { kind: 'run', program, args },
            ];
      return isThere
        ? [
            { kind: 'remove', path, emptyFolders: [] },
            { kind: 'run', program, args: afterRemoval },
          ]
        : [];
    },
  };
}
