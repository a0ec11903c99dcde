import { type Finding, ok, warn } from './finding.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether the proxy variables of this shell would send clients' requests for Berth's names to a proxy. */
export function checkProxyEnvironment(env: Environment, hosts: readonly string[]): Finding {
  const name = 'proxy variables';
  const set = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'].filter(
    (variable) => (env[variable] ?? '') !== '',
  );
  if (set.length === 0) return ok(name, 'none is set');
  const exceptions = env['NO_PROXY'] || env['no_proxy'] || '';
  const caught = hosts.filter((host) => !isExcepted(host, exceptions));
  if (caught.length === 0) return ok(name, `${set.join(', ')} set, and NO_PROXY names Berth`);
  return warn(
    name,
    `${set.join(', ')} would send ${caught.slice(0, 3).join(', ')} to a proxy`,
    `NO_PROXY=${[...new Set([...exceptions.split(',').filter((one) => one !== ''), ...caught])].join(',')}; the docker engine has its own (systemctl show docker --property Environment)`,
  );
}

/** How clients read NO_PROXY: `*`, a host, or a domain with or without a dot before it; loopback is never sent (Go). */
function isExcepted(host: string, exceptions: string): boolean {
  if (host === 'localhost' || host.startsWith('127.') || host === '::1') return true;
  return exceptions.split(',').some((text) => {
    const exception = text
      .trim()
      .toLowerCase()
      .replace(/:[0-9]+$/, '')
      .replace(/^\*?\./, '');
    return exception === '*' || (exception !== '' && (host === exception || host.endsWith(`.${exception}`)));
  });
}
