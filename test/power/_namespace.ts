import { spawnSync } from 'node:child_process';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { anyPorts, launcher, type Ready, type Running, type Scratch, until } from '../start/_program.ts';

/** A view of the file system with mounts of its own, which go when its holder ends. */
export interface Namespace {
  /** A path of the view as this process reaches it. */
  outside(path: string): string;
  /** Starts Berth inside. */
  up(data: string): Promise<{ server: Running; ready: Ready }>;
}

/** As root in a mount namespace; as anybody else also in a user namespace, where the kernel lets him. */
const asRoot = ['unshare', '--mount', '--propagation', 'private'] as const;
const asAnybody = ['unshare', '--map-root-user', '--mount'] as const;

function works(command: readonly string[]): boolean {
  const [program = '', ...args] = command;
  return spawnSync(program, [...args, 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /mnt']).status === 0;
}

/** How to make a namespace here; undefined when this machine lets nobody mount. */
function maker(): readonly string[] | undefined {
  if (process.platform !== 'linux') return undefined;
  return [asRoot, asAnybody].find(works);
}

/** Why no file system can be mounted here; undefined when one can. */
export function whyNoMount(): string | undefined {
  if (maker() !== undefined) return undefined;
  return 'neither root nor a user namespace may mount a tmpfs on this machine';
}

/** Mounts a tmpfs of `size` bytes at each of `places`, made before, for programs of this namespace only. */
export async function openNamespace(
  scratch: Scratch,
  places: readonly { path: string; size: number }[],
): Promise<Namespace> {
  const command = maker();
  if (!command) throw new Error(String(whyNoMount()));
  const [program = '', ...args] = command;
  for (const { path } of places) await mkdir(path, { recursive: true });
  const mounts = places.map(({ path, size }) => `mount -t tmpfs -o size=${size},mode=0700 tmpfs '${path}'`);
  const mark = join(scratch.folder, 'mounted');
  const holder = scratch.start(program, [
    ...args,
    'sh',
    '-c',
    `${mounts.join(' && ')} && : >'${mark}' && exec sleep 3600`,
  ]);
  await until('the mounts', () =>
    access(mark).then(
      () => true,
      () => undefined,
    ),
  );
  const enter = [
    '--target',
    String(holder.pid),
    '--mount',
    ...(command === asAnybody ? ['--user', '--preserve-credentials'] : []),
  ];
  return {
    outside: (path) => `/proc/${holder.pid}/root${path}`,
    async up(data) {
      const berth = [process.execPath, launcher, 'up', '--json', '--data', data, ...anyPorts];
      const server = scratch.start('nsenter', [...enter, ...berth]);
      return { server, ready: await server.ready() };
    },
  };
}
