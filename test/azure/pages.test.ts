import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { until } from '../start/_program.ts';
import { test as base, describe, expect, lacksAz } from './_az.ts';
import { openChromium } from './_chromium.ts';
import { startCommand } from './_running.ts';

const azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const hostile = `"><script>alert(1)</script>'&`;

const test = base.extend('chromium', { scope: 'file' }, async ({ world }, { onCleanup }) => {
  const chromium = await openChromium(world);
  onCleanup(() => chromium[Symbol.asyncDispose]());
  return chromium;
});

/** A client on this machine: what comes to it. */
async function startClient() {
  const heard: { method: string; url: string; body: string }[] = [];
  const server = createServer((asked, answer) => {
    let body = '';
    asked.setEncoding('utf8').on('data', (text: string) => (body += text));
    asked.on('end', () => {
      heard.push({ method: asked.method ?? '', url: asked.url ?? '', body });
      answer.setHeader('content-type', 'text/html').end('<title>the client</title>heard');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    uri: `http://localhost:${port}`,
    heard,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const authorize = (domain: string, redirectUri: string, more: Record<string, string> = {}): string => {
  const fields = new URLSearchParams({
    client_id: azureCli,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'https://management.azure.com/.default offline_access openid profile',
    state: hostile,
    code_challenge: 'A'.repeat(43),
    code_challenge_method: 'S256',
    ...more,
  });
  return `https://login.${domain}/organizations/oauth2/v2.0/authorize?${fields.toString()}`;
};

describe.skipIf(lacksAz('chromium', 'nss'))('in Chromium', () => {
  test('az signs in by the browser', async ({ unsigned, world, chromium }) => {
    const opened = join(unsigned.configFolder, 'opened');
    const browser = join(unsigned.configFolder, 'browser');
    await writeFile(browser, `#!/bin/sh\nprintf '%s' "$1" > '${opened}.new' && mv '${opened}.new' '${opened}'\n`);
    await chmod(browser, 0o755);
    // az looks for a display before it asks for a browser.
    const az = unsigned.with({ BROWSER: browser, DISPLAY: ':0' });
    await using login = startCommand(az, 'login');
    const address = await until('az to open a browser', async () => {
      return (await readFile(opened, 'utf8').catch(() => '')) || undefined;
    });
    const { page, complaints } = await chromium.window();
    await page.goto(address);
    await page.getByLabel('User name').fill(world.operator.username);
    await page.getByLabel('Password').fill(world.operator.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    expect(await login.exit()).toBe(0);
    expect(await unsigned.tsv('account show --query user.name')).toBe(world.operator.username);
    // az closes its door behind the answer, and the icon of its own page is not to be had any more.
    expect(complaints.filter((text) => !text.includes('net::ERR_CONNECTION'))).toEqual([]);
  });

  test('az signs in by a code', async ({ unsigned, world, chromium }) => {
    await using login = startCommand(unsigned, 'login --use-device-code');
    const [, address = '', code = ''] = await login.says(/open the page (\S+) .*enter the code (\S+) /);
    const { page, complaints } = await chromium.window();
    await page.goto(address);
    await page.getByLabel('Code that your device shows').fill(code.toLowerCase());
    await page.getByRole('button', { name: 'Next' }).click();
    await expect.poll(() => page.getByText('Azure CLI').count()).toBe(1);
    await page.getByLabel('User name').fill(world.operator.username);
    await page.getByLabel('Password').fill(world.operator.password);
    await page.keyboard.press('Enter');
    await page.getByText('You may close this window.').waitFor();
    expect(await login.exit()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test.for(['query', 'fragment', 'form_post'] as const)(
    'the way back by %s arrives, with what was hostile as it was',
    async (mode, { world, chromium }) => {
      await using client = await startClient();
      const { page, complaints } = await chromium.window();
      await page.goto(authorize(world.domain, client.uri, { response_mode: mode, login_hint: hostile }));
      expect(await page.getByLabel('User name').inputValue()).toBe(hostile);
      await page.getByLabel('User name').fill(world.operator.username);
      await page.getByLabel('Password').fill('a wrong password');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').waitFor();
      expect(await page.getByRole('alert').textContent()).toBe('User name or password is wrong.');
      expect(await page.getByLabel('User name').inputValue()).toBe(world.operator.username);
      await page.getByLabel('Password').fill(world.operator.password);
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => url.origin === client.uri);
      const [came] = client.heard;
      const fields = {
        query: () => new URL(client.uri + (came?.url ?? '')).searchParams,
        fragment: () => new URLSearchParams(new URL(page.url()).hash.slice(1)),
        form_post: () => new URLSearchParams(came?.body),
      }[mode]();
      expect(fields.get('state')).toBe(hostile);
      expect(fields.get('code')).toMatch(/^[\w-]{43}$/);
      expect(came?.method).toBe(mode === 'form_post' ? 'POST' : 'GET');
      // Chromium tells of the status of the page that said "wrong", and of nothing that the policy held back.
      expect(complaints.filter((text) => !/status of 40[04]/.test(text))).toEqual([]);
    },
  );

  test('Cancel leads back without a code', async ({ world, chromium }) => {
    await using client = await startClient();
    const { page } = await chromium.window();
    await page.goto(authorize(world.domain, client.uri));
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.waitForURL((url) => url.origin === client.uri);
    expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied');
  });

  test('no other page frames it, or sends its form', async ({ world, chromium }) => {
    await using client = await startClient();
    const { page } = await chromium.window();
    const address = authorize(world.domain, client.uri);
    await page.goto(address);
    const sealed = await page.locator('input[name=state]').inputValue();
    await page.goto(client.uri);
    await page.setContent(`<iframe src="${address.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"></iframe>`);
    await expect.poll(() => page.frames()[1]?.url() ?? '').toMatch(/^chrome-error:/);
    await page.goto(client.uri);
    await page.setContent(
      `<form method="post" action="https://login.${world.domain}/login"><input name="state" value="${sealed}">
       <input name="username" value="${world.operator.username}"><input name="password" value="${world.operator.password}">
       <button>go</button></form>`,
    );
    await page.getByRole('button').click();
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').textContent()).toContain('begin again');
    expect(client.heard.every(({ url }) => !url.includes('code='))).toBe(true);
  });
});
