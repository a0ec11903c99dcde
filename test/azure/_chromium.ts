import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { locate } from '../../tools/clients/locate.ts';
import { run } from '../clients/_process.ts';
import type { World } from '../clients/_world.ts';

/** Debian's Chromium, which finds the hosts of one Berth and trusts its authority, and nothing else of it. */
export interface Chromium extends AsyncDisposable {
  /** A window of its own, with cookies of its own, and what was wrong in it. */
  window(): Promise<{ page: Page; complaints: string[] }>;
}

export async function openChromium(world: World): Promise<Chromium> {
  const home = await mkdtemp(join(world.folder, 'chromium-'));
  // Where Chromium on Linux looks for authorities that its user trusts.
  const store = join(home, '.pki', 'nssdb');
  await mkdir(store, { recursive: true });
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, LANG: 'C.UTF-8' };
  const certutil = locate('certutil') ?? 'certutil';
  await run(certutil, ['-d', `sql:${store}`, '-N', '--empty-password'], env);
  await run(certutil, ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', 'berth', '-i', world.caFile], env);
  const port = world.tlsServer.split(':')[1] ?? '';
  const browser: Browser = await chromium.launch({
    executablePath: locate('chromium') ?? 'chromium',
    env,
    // Root has no sandbox in a container; what is opened here are our own pages.
    args: ['--no-sandbox', `--host-resolver-rules=MAP *.${world.domain}:443 127.0.0.1:${port}`],
  });
  return {
    async window() {
      const page = await (await browser.newContext()).newPage();
      const complaints: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('dialog', (dialog) => {
        complaints.push(`a dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      return { page, complaints };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
