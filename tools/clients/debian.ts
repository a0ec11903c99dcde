import { type ClientSet, debianClients, isIn } from './catalog.ts';
import { command, complaint } from './command.ts';
import { locate } from './locate.ts';

const aptTimeoutMs = 8 * 60_000;

/**
 * Installs the Debian clients whose programs are absent. Returns why, per client, when that failed; clients that are
 * present already cost nothing and need no rights.
 */
export async function installDebianClients(set: ClientSet, say: (line: string) => void): Promise<Map<string, string>> {
  const absent = debianClients.filter(
    (client) => isIn(set, client) && client.programs.some((program) => locate(program) === undefined),
  );
  const refusal = absent.length === 0 ? undefined : cannotInstall();
  if (absent.length === 0 || refusal !== undefined) {
    return new Map(absent.map((client) => [client.name, refusal ?? '']));
  }
  say(`installing ${absent.map((client) => client.name).join(', ')} with apt-get`);
  const update = await apt(['update']);
  // A stale package list may still serve: install tells the truth per client.
  if (update.code !== 0) say(`apt-get update failed: ${complaint(update)}`);
  const packages = [...new Set(absent.flatMap((client) => client.packages))];
  const together = await apt(['install', '--yes', '--no-install-recommends', ...packages]);
  if (together.code === 0) return new Map();
  const reasons = new Map<string, string>();
  for (const client of absent) {
    const alone = await apt(['install', '--yes', '--no-install-recommends', ...client.packages]);
    if (alone.code !== 0) reasons.set(client.name, `apt-get install failed: ${complaint(alone)}`);
  }
  return reasons;
}

function cannotInstall(): string | undefined {
  if (locate('apt-get') === undefined) return 'not installed, and this machine has no apt-get';
  if (process.getuid?.() !== 0) return 'not installed, and apt-get needs root';
  return undefined;
}

function apt(args: readonly string[]) {
  return command('apt-get', ['-o', 'DPkg::Lock::Timeout=120', '-qq', ...args], {
    // In run level 1 the packages of servers do not start what they install.
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    timeoutMs: aptTimeoutMs,
  });
}
