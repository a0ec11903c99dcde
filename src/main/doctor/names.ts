import { lookup } from 'node:dns/promises';
import { type Finding, fail, ok, problemOf, warn } from './finding.ts';

/** Resolves a name as programs on this machine do (getaddrinfo), which is how docker, Node and Python do it. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** The resolver of this machine. */
export const systemResolve: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

/** Whether the hosts of registries resolve, and to what. */
export async function checkNames(
  hosts: readonly string[],
  options: { resolve: Resolve; domain: string; plainServer: string | null },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const host of hosts) {
    const name = `name ${host}`;
    try {
      const addresses = await options.resolve(host);
      findings.push(ok(name, `resolves to ${[...new Set(addresses)].join(', ')}`));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'ENOTFOUND' && code !== 'ENODATA' && code !== 'EAI_AGAIN') {
        findings.push(fail(name, problemOf(error), 'look at the resolver of this machine'));
      } else findings.push(unresolved(name, host, options));
    }
  }
  return findings;
}

function unresolved(name: string, host: string, options: { domain: string; plainServer: string | null }): Finding {
  if (!options.domain.endsWith('.localhost')) {
    const cure = `a DNS record for *.${options.domain} (or ${host}) with an address of Berth, or of the proxy in front`;
    return fail(name, 'does not resolve', cure);
  }
  const other = options.plainServer === null ? '' : `; or use ${options.plainServer}, which needs no name`;
  return warn(
    name,
    'resolves in browsers and curl, but not here, so not in docker, podman, Node and Python',
    `the line "127.0.0.1 ${host}" in /etc/hosts${other}`,
  );
}
