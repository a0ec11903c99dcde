import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { locatePython } from '../../tools/clients/locate.ts';
import { run } from '../clients/_process.ts';
import { openShell } from '../clients/_shell.ts';
import { describe, expect, freshAz, lacksAz, signIn, test } from './_az.ts';

const page = join(import.meta.dirname, '..', '..', 'docs', 'azure.md');
const sections = (await readFile(page, 'utf8')).split(/^## /m).slice(1);
const blocks = sections.flatMap((text) => {
  const heading = text.slice(0, text.indexOf('\n'));
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map((match, n) => ({ heading, n: n + 1, block: match[1] ?? '' }));
});

describe('docs/azure.md', () => {
  test('has lines for az and for service principals', () => {
    expect(new Set(blocks.map(({ heading }) => heading))).toEqual(
      new Set(['Your own az', 'Pushing as a service principal']),
    );
  });

  for (const { heading, n, block } of blocks) {
    test.skipIf(lacksAz('skopeo'))(`the lines of "${heading}", ${n}, work`, async ({ world }) => {
      const az = await freshAz(world);
      const shell = await openShell(world.folder);
      await copyFile(world.caFile, join(shell.home, 'ca.pem'));
      if (!block.includes('az login')) {
        await az.run(`cloud register -n Berth --endpoint-resource-manager https://management.${world.domain}`);
        await az.run('config set cloud.name=Berth core.instance_discovery=false');
        await signIn(az, world.operator);
      }
      // Names without a port are reached through the proxy here; where a block trusts for itself, nothing else does.
      const { REQUESTS_CA_BUNDLE: _bundle, SSL_CERT_FILE: trusted, ...reaching } = az.env;
      const env = {
        ...(block.includes('REQUESTS_CA_BUNDLE') ? reaching : az.env),
        ...shell.env,
        ...(block.includes('SSL_CERT_FILE') ? {} : { SSL_CERT_FILE: trusted }),
        PATH: `${join(locatePython('az') ?? '', '..')}:${shell.env['PATH']}`,
        OPERATOR: world.operator.username,
        PASSWORD: world.operator.password,
      };
      const lines = block
        .replaceAll('berth.example.com', world.domain)
        .replaceAll('http://127.0.0.1:5443', world.proxy);
      await run('bash', ['--norc', '-euo', 'pipefail', '-c', lines], env, { cwd: shell.home });
    });
  }
});
