import { join } from 'node:path';
import { getCACertificates, rootCertificates } from 'node:tls';
import { type Authority, holdsAuthority } from './authority.ts';
import type { Machine } from './machine.ts';
import { quoted } from './place.ts';

/** Bundles of the system, of Debian, Fedora, SUSE, and of macOS and Alpine. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Variables whose file takes the place of the public authorities: they need a bundle of both (AZ-WIRE 1.3, T-CLD-4). */
const replacing = [
  'REQUESTS_CA_BUNDLE',
  'SSL_CERT_FILE',
  'WEBSOCKET_CLIENT_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
] as const;

/** The file in the data folder that holds the public authorities and Berth's. */
export function bundleFile(folder: string): string {
  return join(folder, 'ca-bundle.pem');
}

/** The variables that make clients trust the authority, each with its file. */
export function caVariables(authority: Authority, folder: string): Record<string, string> {
  const bundle = bundleFile(folder);
  return { ...Object.fromEntries(replacing.map((name) => [name, bundle])), NODE_EXTRA_CA_CERTS: authority.file };
}

/**
 * The text of the bundle: what clients of this user trust so far, and the authority. That is the bundle which
 * REQUESTS_CA_BUNDLE or SSL_CERT_FILE names already, or the system's, or where it has no file, what Node finds.
 */
export async function bundleText(machine: Machine, authority: Authority, folder: string): Promise<string> {
  const named = [machine.env['REQUESTS_CA_BUNDLE'], machine.env['SSL_CERT_FILE']].filter(
    (path) => path !== undefined && path !== '' && path !== bundleFile(folder),
  );
  for (const path of [...named, ...systemBundles]) {
    const text = await machine.read(String(path));
    // An authority's file alone is no bundle to begin with: the public ones would be gone.
    if (text === undefined || !text.includes('-----BEGIN CERTIFICATE-----') || path === authority.file) continue;
    return holdsAuthority(text, authority) ? text : `${text.trimEnd()}\n${authority.pem}`;
  }
  const known = new Set([...rootCertificates, ...getCACertificates('system')].map((pem) => pem.trim()));
  return `${[...known, authority.pem.trim()].join('\n')}\n`;
}

/** Lines that set the variables in the user's shell, or with `undo` forget them. */
export function variableLines(
  variables: Readonly<Record<string, string>>,
  options: { platform: NodeJS.Platform; undo: boolean },
): string[] {
  return Object.entries(variables).map(([name, file]) => {
    if (options.platform === 'win32') {
      return options.undo ? `Remove-Item Env:${name}` : `$env:${name} = '${file.replaceAll("'", "''")}'`;
    }
    return options.undo ? `unset ${name}` : `export ${name}=${quoted(file)}`;
  });
}
