import { posix } from 'node:path';
import { makeAuthority } from '../certificates.ts';
import type { Authority } from './authority.ts';
import type { Machine, Ran } from './machine.ts';
import type { Step } from './place.ts';

/** A machine of files in memory, and programs that a test answers for. */
export interface FakeMachine extends Machine {
  readonly files: Map<string, string>;
  /** Every program that was run, `run` steps among them. */
  readonly ran: string[][];
  /** Steps that fail from now on, by their kind. */
  readonly failing: Set<Step['kind']>;
}

export interface FakeOptions {
  readonly platform?: NodeJS.Platform;
  readonly env?: Record<string, string>;
  readonly isRoot?: boolean;
  /** Files by path; a path that ends with `/` is an empty folder. */
  readonly files?: Readonly<Record<string, string>>;
  readonly programs?: readonly string[];
  /** What a program says; by default it ends with 0 and says nothing. */
  readonly answer?: (program: string, args: readonly string[]) => Partial<Ran>;
}

export function fakeMachine(options: FakeOptions = {}): FakeMachine {
  const files = new Map(Object.entries(options.files ?? {}));
  const ran: string[][] = [];
  const failing = new Set<Step['kind']>();
  const inside = (path: string) => [...files.keys()].filter((file) => file.startsWith(`${path}/`));
  const run = async (program: string, args: readonly string[]): Promise<Ran> => {
    ran.push([program, ...args]);
    return { code: 0, stdout: '', stderr: '', ...options.answer?.(program, args) };
  };
  return {
    files,
    ran,
    failing,
    platform: options.platform ?? 'linux',
    env: options.env ?? {},
    home: '/home/ann',
    isRoot: options.isRoot ?? false,
    run,
    find: async (program) => (options.programs?.includes(program) ? `/usr/bin/${program}` : undefined),
    read: async (path) => files.get(path),
    list: async (path) => [
      ...new Set(
        inside(path)
          .map((file) => posix.relative(path, file).split('/')[0] ?? '')
          .filter((name) => name !== ''),
      ),
    ],
    isFolder: async (path) => inside(path).length > 0,
    async perform(step) {
      if (failing.has(step.kind)) throw new Error(`${step.kind} does not work`);
      if (step.kind === 'run') await run(step.program, step.args);
      else if (step.kind === 'remove') files.delete(step.path);
      else files.set(step.path, step.text);
    },
  };
}

/** An authority as Berth makes them, with the PEM that its file holds. */
export async function makeTestAuthority(domain = 'berth.localhost'): Promise<string> {
  const now = Date.now();
  const made = await makeAuthority({
    commonName: `Berth ${domain}`,
    dnsNames: [domain, 'localhost'],
    notBefore: now - 3_600_000,
    notAfter: now + 86_400_000,
  });
  return made.certificate;
}

/** The hosts of one registry under a port. */
export function hostsOf(authority: Authority) {
  return { authority, hosts: ['team.berth.localhost:8443', 'team.berth.localhost'], unknown: null };
}
