import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, lacks, test } from './_test.ts';
import { startBerth } from './_world.ts';

describe.skipIf(lacks('regctl'))('regctl', () => {
  test('that is told to wait waits as long as it is told, and then goes on', async () => {
    // Three writes a minute of one identity: POST, PATCH and PUT of one blob.
    await using world = await startBerth('--limits-rates', '0.003');
    const { loginServer, username, password } = world;
    const shell = await world.shell();
    await shell.run('regctl', ['registry', 'set', '--tls', 'disabled', '--skip-check', loginServer]);
    await shell.run('regctl', ['registry', 'login', loginServer, '-u', username, '--pass-stdin'], { input: password });
    const put = async (text: string): Promise<number> => {
      await writeFile(join(shell.home, 'blob'), text);
      const started = performance.now();
      await shell.run('sh', ['-c', 'exec regctl blob put "$1" <blob', 'sh', `${loginServer}/rates/app`]);
      return performance.now() - started;
    };
    expect(await put('one')).toBeLessThan(30_000);
    expect(await put('two')).toBeGreaterThan(30_000);
  });
});
