import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority, makeServerCertificate } from '../src/main/certificates.ts';

/** Files for a TLS server of 127.0.0.1, and what a client has to trust. */
export interface ServerIdentity {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** PEM of the authority. */
  readonly ca: string;
}

/** Makes an authority and a certificate below it in `folder`: ECDSA P-256, as Berth makes its own, so that both sign alike. */
export async function makeServerIdentity(folder: string): Promise<ServerIdentity> {
  const now = Date.now();
  const validity = { notBefore: now - 60_000, notAfter: now + 86_400_000 };
  const authority = await makeAuthority({ commonName: 'bench', dnsNames: ['localhost'], ...validity });
  const server = await makeServerCertificate({ authority, names: ['127.0.0.1', 'localhost'], ...validity });
  const certificateFile = join(folder, 'server.pem');
  const keyFile = join(folder, 'server.key');
  await writeFile(certificateFile, server.certificate + authority.certificate);
  await writeFile(keyFile, server.privateKey, { mode: 0o600 });
  return { certificateFile, keyFile, ca: authority.certificate };
}
