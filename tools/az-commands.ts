/**
 * Writes contracts/az-commands.txt, the commands that docs/compatibility.md speaks of, from the az of the tests
 * (`npm run test:azure` installs it). To be run when that becomes a newer one.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { locatePython } from './clients/locate.ts';
import { projectRoot } from './steps.ts';

/** What of az is about registries, identities, roles and what stands around them. */
const scope =
  /^(?:acr|ad (?:app|signed-in-user|sp)|role|account|cloud|group|resource|provider|container|identity|login|logout)(?: |$)/;

const program = `
from azure.cli.core import get_default_cli
cli = get_default_cli()
cli.invocation = cli.invocation_cls(cli_ctx=cli, commands_loader_cls=cli.commands_loader_cls,
                                    parser_cls=cli.parser_cls, help_cls=cli.help_cls)
cli.invocation.commands_loader.load_command_table(None)
print('\\n'.join(sorted(cli.invocation.commands_loader.command_table)))
`;

const az = locatePython('az');
if (az === undefined) throw new Error('there is no az of the tests here; npm run test:azure installs it');
const configuration = await mkdtemp(join(tmpdir(), 'berth-az-'));
try {
  const env = { ...process.env, AZURE_CONFIG_DIR: configuration, AZURE_CORE_COLLECT_TELEMETRY: 'no' };
  const { stdout } = await promisify(execFile)(join(az, '..', 'python'), ['-I', '-c', program], { env });
  const names = stdout.split('\n').filter((name) => scope.test(name));
  await writeFile(join(projectRoot, 'contracts', 'az-commands.txt'), `${names.join('\n')}\n`);
  console.log(`${names.length} commands`);
} finally {
  await rm(configuration, { recursive: true, force: true });
}
