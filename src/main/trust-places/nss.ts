import { posix } from 'node:path';
import { type Authority, holdsAuthority } from './authority.ts';
import type { Machine } from './machine.ts';
import { noPlace, type TrustPlace } from './place.ts';

/** Databases of one user, below the home folder: Chromium and what is built from it. */
const chromiumDatabases = [
  '.pki/nssdb',
  '.local/share/pki/nssdb',
  'snap/chromium/current/.pki/nssdb',
  '.var/app/org.chromium.Chromium/.pki/nssdb',
  '.var/app/com.google.Chrome/.pki/nssdb',
];

/** Folders of Firefox profiles, below the home folder; each profile has a database. */
const firefoxFolders = [
  '.mozilla/firefox',
  '.config/mozilla/firefox',
  'snap/firefox/common/.mozilla/firefox',
  '.var/app/org.mozilla.firefox/.mozilla/firefox',
  'Library/Application Support/Firefox/Profiles',
];

const packages =
  'libnss3-tools (Debian, Ubuntu), nss-tools (Fedora), mozilla-nss-tools (openSUSE), nss (Arch, Homebrew)';

/** The NSS databases of this user's browsers, changed by NSS's own certutil. On Windows browsers read Windows' store. */
export async function nssDatabases(machine: Machine, authority: Authority): Promise<TrustPlace[]> {
  if (machine.platform === 'win32') return [noPlace('nss', 'browsers read the store of Windows')];
  const found = await findDatabases(machine);
  if (found.length === 0) return [noPlace('nss', `no database of Chromium or Firefox in ${machine.home}`)];
  const skip = (await machine.find('certutil')) === undefined ? `certutil not found; install ${packages}` : null;
  return found.map((folder) => database(machine, authority, { folder, skip }));
}

async function findDatabases(machine: Machine): Promise<string[]> {
  const candidates = chromiumDatabases.map((path) => posix.join(machine.home, path));
  for (const path of firefoxFolders) {
    const folder = posix.join(machine.home, path);
    for (const name of await machine.list(folder)) candidates.push(posix.join(folder, name));
  }
  const found: string[] = [];
  for (const folder of candidates) {
    if ((await machine.list(folder)).includes('cert9.db')) found.push(folder);
  }
  return found;
}

function database(
  machine: Machine,
  authority: Authority,
  { folder, skip }: { folder: string; skip: string | null },
): TrustPlace {
  const certutil = (...args: string[]) =>
    ({ kind: 'run', program: 'certutil', args: ['-d', `sql:${folder}`, ...args] }) as const;
  return {
    store: 'nss',
    where: folder,
    scope: 'user',
    skip,
    async plan(action) {
      const { args } = certutil('-L', '-n', authority.label, '-a');
      const isThere = holdsAuthority((await machine.run('certutil', args)).stdout, authority);
      // `C,,`: an authority for servers, and for nothing else.
      if (action === 'add') {
        return isThere ? [] : [certutil('-A', '-t', 'C,,', '-n', authority.label, '-i', authority.file)];
      }
      return isThere ? [certutil('-D', '-n', authority.label)] : [];
    },
  };
}
