import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { ask } from './_client.ts';
import { openScratch } from './_program.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);
if (!hasIpv6) console.log('skip the listener on ::1: this machine has no IPv6 loopback');

test.skipIf(!hasIpv6)('a listener that nobody configured answers on ::1, too', async () => {
  await using scratch = await openScratch();
  const { loginServer } = await scratch.up(['--https', 'off']).ready();
  const port = loginServer.slice(loginServer.lastIndexOf(':') + 1);
  const answer = await ask(`[::1]:${port}`, '/v2/');
  expect(answer.status).toBe(401);
  expect(answer.headers['www-authenticate']).toContain(`realm="http://[::1]:${port}/oauth2/token"`);
});

test('a listener that was configured stands where it was told to, and nowhere else', async () => {
  await using scratch = await openScratch();
  const { loginServer } = await scratch.up(['--http', '127.0.0.1:0', '--https', 'off']).ready();
  const port = loginServer.slice(loginServer.lastIndexOf(':') + 1);
  await expect(ask(`[::1]:${port}`, '/v2/')).rejects.toThrow();
});
