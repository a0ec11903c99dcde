import { posix } from 'node:path';
import { type Authority, holdsAuthority, isOnlyAuthority } from './authority.ts';
import type { KnownHosts } from './known-hosts.ts';
import type { Machine } from './machine.ts';
import { noPlace, type Step, type StoreName, type TrustPlace } from './place.ts';

interface CertsFolder {
  readonly store: StoreName;
  readonly path: string;
  readonly scope: 'machine' | 'user';
}

/** Docker's folders: of the engine, of a rootless engine, of Docker Desktop. */
export async function dockerCerts(machine: Machine, options: KnownHosts): Promise<TrustPlace[]> {
  if (machine.platform === 'win32') return [noPlace('docker', 'Docker Desktop takes what Windows trusts')];
  const folders: CertsFolder[] = [];
  const add = (path: string, scope: 'machine' | 'user') => folders.push({ store: 'docker', path, scope });
  const config = machine.env['XDG_CONFIG_HOME'] || posix.join(machine.home, '.config');
  if (machine.platform === 'linux') {
    const hasEngine = (await machine.isFolder('/etc/docker')) || (await machine.find('dockerd')) !== undefined;
    if (hasEngine) add('/etc/docker/certs.d', 'machine');
    const rootless = await machine.read(posix.join(config, 'systemd/user/docker.service'));
    if (rootless !== undefined || (await machine.isFolder(posix.join(config, 'docker')))) {
      add(posix.join(config, 'docker/certs.d'), 'user');
    }
  }
  const desktop = posix.join(machine.home, '.docker');
  const hasDesktop = machine.platform === 'darwin' ? desktop : posix.join(desktop, 'desktop');
  if (await machine.isFolder(hasDesktop)) add(posix.join(desktop, 'certs.d'), 'user');
  if (folders.length === 0) return [noPlace('docker', 'no Docker found')];
  return (await Promise.all(folders.map((folder) => places(machine, folder, options)))).flat();
}

/** The folder of podman, buildah, skopeo and CRI-O: the machine's for root, the user's own for everybody else. */
export async function containersCerts(machine: Machine, options: KnownHosts): Promise<TrustPlace[]> {
  if (machine.platform === 'win32') return [noPlace('containers', 'podman takes what its virtual machine trusts')];
  const own = posix.join(machine.home, '.config/containers');
  const programs = await Promise.all(['podman', 'buildah', 'skopeo'].map((name) => machine.find(name)));
  const isThere =
    programs.some((path) => path !== undefined) || (await machine.isFolder(machine.isRoot ? '/etc/containers' : own));
  if (!isThere) return [noPlace('containers', 'no podman, buildah or skopeo found')];
  const folder: CertsFolder = machine.isRoot
    ? { store: 'containers', path: '/etc/containers/certs.d', scope: 'machine' }
    : { store: 'containers', path: posix.join(own, 'certs.d'), scope: 'user' };
  return places(machine, folder, options);
}

/**
 * One place for each host that is there, or should be. What an earlier run put there for a registry that is gone is found
 * by its content.
 */
async function places(machine: Machine, folder: CertsFolder, options: KnownHosts): Promise<TrustPlace[]> {
  const there: string[] = [];
  for (const host of await machine.list(folder.path)) {
    if ((await ours(machine, posix.join(folder.path, host), options.authority)).length > 0) there.push(host);
  }
  const { authority, unknown } = options;
  const hosts = [...new Set([...options.hosts, ...there])];
  const known = hosts.map((host) => place(machine, folder, { host, authority }));
  if (unknown === null && known.length > 0) return known;
  const { store, path, scope } = folder;
  return [...known, { store, where: path, scope, skip: unknown, plan: async () => [] }];
}

function place(
  machine: Machine,
  { store, path, scope }: CertsFolder,
  { host, authority }: { host: string; authority: Authority },
): TrustPlace {
  const folder = posix.join(path, host);
  return {
    store,
    where: folder,
    scope,
    skip: null,
    async plan(action) {
      if (action === 'remove') {
        const files = await ours(machine, folder, authority);
        return files.map(
          (name): Step => ({ kind: 'remove', path: posix.join(folder, name), emptyFolders: [folder, path] }),
        );
      }
      const names = (await machine.list(folder)).filter((name) => name.endsWith('.crt'));
      for (const name of names) {
        if (holdsAuthority(await machine.read(posix.join(folder, name)), authority)) return [];
      }
      // Every .crt of the folder counts, so a ca.crt of somebody else stays and ours goes beside it.
      const name = names.includes('ca.crt') ? authority.fileName : 'ca.crt';
      return [{ kind: 'write', path: posix.join(folder, name), text: authority.pem }];
    },
  };
}

/** Files of a folder that hold the authority's certificate and nothing else. */
async function ours(machine: Machine, folder: string, authority: Authority): Promise<string[]> {
  const found: string[] = [];
  for (const name of await machine.list(folder)) {
    if (!name.endsWith('.crt')) continue;
    if (isOnlyAuthority(await machine.read(posix.join(folder, name)), authority)) found.push(name);
  }
  return found;
}
