import type { Authority } from './authority.ts';
import type { Machine } from './machine.ts';
import type { TrustPlace } from './place.ts';

/** The user's root store, by Windows' own `certutil.exe`: it asks for no administrator. */
export function windowsStore(machine: Machine, authority: Authority): TrustPlace {
  const certutil = (...args: string[]) => ({ kind: 'run', program: 'certutil.exe', args: ['-user', ...args] }) as const;
  return {
    store: 'system',
    where: 'Cert:\\CurrentUser\\Root',
    scope: 'user',
    skip: null,
    async plan(action) {
      const { code } = await machine.run('certutil.exe', ['-user', '-store', 'Root', authority.sha1]);
      const isThere = code === 0;
      if (action === 'add') return isThere ? [] : [certutil('-addstore', 'Root', authority.file)];
      return isThere ? [certutil('-delstore', 'Root', authority.sha1)] : [];
    },
  };
}
