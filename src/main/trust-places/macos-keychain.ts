import { posix } from 'node:path';
import type { Authority } from './authority.ts';
import type { Machine } from './machine.ts';
import type { TrustPlace } from './place.ts';

/** The System keychain for root, the login keychain for everybody else, both by macOS's own `security`. */
export function macosKeychain(machine: Machine, authority: Authority): TrustPlace {
  const keychain = machine.isRoot
    ? '/Library/Keychains/System.keychain'
    : posix.join(machine.home, 'Library/Keychains/login.keychain-db');
  // `-d` is the trust settings of the machine, without it those of the user.
  const domain = machine.isRoot ? ['-d'] : [];
  const security = (...args: string[]) => ({ kind: 'run', program: 'security', args }) as const;
  return {
    store: 'system',
    where: keychain,
    scope: 'user',
    skip: null,
    async plan(action) {
      const search = ['find-certificate', '-a', '-Z', '-c', authority.commonName, keychain];
      const { stdout } = await machine.run('security', search);
      const isThere = stdout.toUpperCase().includes(authority.sha1);
      if (action === 'add') {
        if (isThere) return [];
        return [security('add-trusted-cert', ...domain, '-r', 'trustRoot', '-k', keychain, authority.file)];
      }
      if (!isThere) return [];
      return [
        security('remove-trusted-cert', ...domain, authority.file),
        security('delete-certificate', '-Z', authority.sha1, keychain),
      ];
    },
  };
}
