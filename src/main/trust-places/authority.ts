import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StartRefusal } from '../start-refusal.ts';

/** The authority whose certificate is to be trusted. */
export interface Authority {
  /** Its certificate file in the data folder. */
  readonly file: string;
  readonly pem: string;
  /** Common name, for stores that search by it. */
  readonly commonName: string;
  /** Fingerprints in upper-case hex without colons. */
  readonly sha1: string;
  readonly sha256: string;
  /** Name under which stores with names keep it; the fingerprint keeps several Berths apart. */
  readonly label: string;
  /** Name of its file in folders that are shared with others. */
  readonly fileName: string;
}

/** Reads the authority of a data folder, whether or not a server runs on it. Throws a StartRefusal when there is none. */
export async function readAuthority(folder: string): Promise<Authority> {
  const file = join(folder, 'ca.pem');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
      throw new StartRefusal(
        `there is no authority in ${folder}; "berth up" makes it, or name another folder with --data`,
      );
    }
    throw new StartRefusal(`cannot read ${file}: ${error.message}`, { cause: error });
  });
  const certificate = parse(text);
  // Only an authority of Berth's goes into a store: it is bound to its own names, which a stranger's need not be.
  if (certificate === undefined || certificatesIn(text).length !== 1 || !certificate.ca) {
    throw new StartRefusal(`${file} is not the certificate of an authority; bring it back from a backup`);
  }
  const commonName = /^CN=(.+)$/m.exec(certificate.subject)?.[1] ?? '';
  const sha256 = certificate.fingerprint256.replaceAll(':', '');
  const short = sha256.slice(0, 8).toLowerCase();
  return {
    file,
    pem: certificate.toString(),
    commonName,
    sha1: certificate.fingerprint.replaceAll(':', ''),
    sha256,
    label: `${commonName} (${short})`,
    fileName: `berth-${short}.crt`,
  };
}

/** True when the authority is among the certificates of a PEM text. */
export function holdsAuthority(text: string | undefined, authority: Authority): boolean {
  return certificatesIn(text ?? '').some((one) => isAuthority(one, authority));
}

/** True when a PEM text is the authority's certificate and no other: only then a file is ours to remove. */
export function isOnlyAuthority(text: string | undefined, authority: Authority): boolean {
  const [first, second] = certificatesIn(text ?? '');
  return first !== undefined && second === undefined && isAuthority(first, authority);
}

function isAuthority(pem: string, authority: Authority): boolean {
  return parse(pem)?.fingerprint256.replaceAll(':', '') === authority.sha256;
}

function certificatesIn(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    // Not a certificate: what a store of others holds is none of our errors.
    return undefined;
  }
}
