import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeImage } from '../clients/_image.ts';
import type { Shell } from '../clients/_shell.ts';

/** What a scanner must find in the image. */
export const debianPackage = { name: 'harbourmaster', version: '1.2.3-4' };

const status = `Package: ${debianPackage.name}
Status: install ok installed
Maintainer: Nobody <nobody@example.com>
Architecture: amd64
Version: ${debianPackage.version}
Description: is in no archive

`;

const osRelease = `NAME="Debian GNU/Linux"
ID=debian
VERSION_ID="12"
`;

/** Pushes an image that looks like Debian 12 with one package installed. Returns its digest. */
export async function pushDebianImage(shell: Shell, target: string): Promise<string> {
  const files = join(shell.home, 'debian');
  await mkdir(join(files, 'etc'), { recursive: true });
  await mkdir(join(files, 'var', 'lib', 'dpkg'), { recursive: true });
  await writeFile(join(files, 'etc', 'os-release'), osRelease);
  await writeFile(join(files, 'var', 'lib', 'dpkg', 'status'), status);
  const image = await writeImage(shell, 'image', { files });
  await shell.run('oras', ['copy', '--from-oci-layout', '--to-plain-http', `${image.path}:v1`, target]);
  return image.digest;
}
