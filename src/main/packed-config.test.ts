import { expect, test } from 'vitest';
import { loadConfig } from './config.ts';
import { packConfig, unpackConfig } from './packed-config.ts';

test('a configuration arrives in another thread as it was, frozen, its secrets as secrets', () => {
  const env = {
    BERTH_DATABASE_URL: 'postgres://berth:geheim@db/berth',
    BERTH_HTTPS_LISTEN: '[::1]:8443,127.0.0.1:8443',
  };
  const { config } = loadConfig({ flags: {}, env, home: '/home/me', folder: '/', readFile: () => undefined });
  const arrived = unpackConfig(structuredClone(packConfig(config)));
  expect(JSON.stringify(arrived)).toBe(JSON.stringify(config));
  expect(JSON.stringify(arrived)).not.toContain('geheim');
  expect(arrived.database.url?.reveal()).toBe(env.BERTH_DATABASE_URL);
  expect([arrived, arrived.limits, arrived.https.listen].map(Object.isFrozen)).toEqual([true, true, true]);
});
