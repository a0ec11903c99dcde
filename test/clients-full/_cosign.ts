import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Output } from '../clients/_process.ts';
import type { Shell } from '../clients/_shell.ts';

/** How cosign keeps signatures: bundles that name the image as their subject, or images under tags of its digest. */
export type Form = 'bundle' | 'legacy';

/** A shell with a key pair of its own, no password on it, and a list of services to sign with that is empty. */
export async function openCosign(shell: Shell): Promise<Shell> {
  const signer = shell.with({ COSIGN_PASSWORD: '' });
  await signer.run('cosign', ['generate-key-pair']);
  // Without it cosign sends each signature to a public transparency log.
  await signer.run('cosign', ['signing-config', 'create', '--out', 'services.json']);
  await writeFile(join(signer.home, 'predicate.json'), JSON.stringify({ spdxVersion: 'SPDX-2.3', name: 'app' }));
  return signer;
}

/** Arguments of `cosign sign` and `attest` that reach no service beside the registry. */
export function signingArgs(form: Form): string[] {
  const offline = {
    bundle: ['--signing-config', 'services.json'],
    legacy: ['--use-signing-config=false', '--new-bundle-format=false', '--tlog-upload=false'],
  };
  return ['--key', 'cosign.key', '--yes', ...offline[form]];
}

/** Arguments of `cosign verify` and `verify-attestation` for what `signingArgs` made. */
export function verifyingArgs(form: Form): string[] {
  const format = form === 'legacy' ? ['--new-bundle-format=false'] : [];
  return ['--key', 'cosign.pub', '--insecure-ignore-tlog=true', ...format];
}

/** Runs a command of cosign that must succeed, over plain HTTP. */
export function cosign(shell: Shell, command: string, ...args: string[]): Promise<Output> {
  return shell.run('cosign', [command, '--allow-http-registry', ...args]);
}

/** Runs a command of cosign that must fail, over plain HTTP. */
export function refusedCosign(shell: Shell, command: string, ...args: string[]): Promise<Output> {
  return shell.refused('cosign', [command, '--allow-http-registry', ...args]);
}
