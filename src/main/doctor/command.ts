import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { LoadedConfig } from '../config.ts';
import { parseBytes } from '../config-values.ts';
import { StartRefusal } from '../start-refusal.ts';
import { examine, report } from './doctor.ts';

type Options = Readonly<Record<string, string | boolean | undefined>>;

/** Bodies that are tried through a proxy: below and above the limits that proxies have by themselves. */
const bodySizes = ['1MiB', '8MiB', '64MiB', '128MiB'].map(parseBytes);
/** Just above the 60 seconds that nginx and others wait. */
const slowSeconds = 65;

/** Adds `berth doctor`. `load` reads the configuration for a data folder. */
export function addDoctor(
  berth: Command,
  options: { version: string; load(flags: Record<string, string | undefined>): LoadedConfig },
): void {
  berth
    .command('doctor')
    .description('look for what is wrong here and in front, and say what to do; ends with 1 when something fails')
    .option('--url <URL>', 'the address that clients use, to look at the proxies in front of it')
    .option('--ca <FILE>', 'an authority (PEM) to trust for --url, beside those of the system')
    .option('--largest-body <SIZE>', 'largest body to send through the proxies', '128MiB')
    .option('--slow', 'also look whether the proxies wait for more than a minute')
    .option('--data <FOLDER>', 'data folder of the server')
    .option('--json', 'print JSON')
    .action(async (flags: Options) => {
      const largest = parseBytes(String(flags['largestBody']));
      if (largest < 1) throw new StartRefusal('--largest-body is at least 1');
      const findings = await examine({
        loaded: options.load({ data: textOf(flags['data']) }),
        version: options.version,
        url: textOf(flags['url']) ?? null,
        authorities: await readAuthorities(textOf(flags['ca'])),
        bodySizes: [...bodySizes.filter((size) => size < largest), largest],
        slowSeconds: flags['slow'] === true ? slowSeconds : null,
        env: process.env,
      });
      const lines = flags['json'] === true ? [JSON.stringify({ findings })] : report(findings);
      process.stdout.write(`${lines.join('\n')}\n`);
      if (findings.some(({ state }) => state === 'fail')) process.exitCode = 1;
    });
}

async function readAuthorities(file: string | undefined): Promise<string[]> {
  if (file === undefined) return [];
  try {
    return [await readFile(file, 'utf8')];
  } catch (error) {
    throw new StartRefusal(`cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

function textOf(value: Options[string]): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
