// S19, time that tells. Harbor and Dragonfly compared secrets byte by byte (CVE-2023-20902, CVE-2025-59350). That no secret
// is compared by an operator is checked over the source by tools/incidents.test.ts; here is what a client can measure.
import { describe, expect, it } from 'vitest';
import { hashSecret, secretMatches } from '../../src/identity/secrets.ts';
import { randomIds } from '../../src/kernel/index.ts';
import { azureOf } from '../e2e/_azure.ts';
import { basic } from '../e2e/_client.ts';
import { startBerth } from '../e2e/_server.ts';

const rounds = 120;

describe('a wrong password (S19)', () => {
  it('takes the same time for the admin, a token, an unknown user, and however near it comes', async () => {
    await using berth = await startBerth();
    const azure = await azureOf(berth);
    const robot = await azure.robot('robot');
    const person = await berth.createToken('somebody', { 'a/b': ['content/read'] });
    const near = `${berth.password.slice(0, -1)}${berth.password.endsWith('A') ? 'B' : 'A'}`;
    const offers: Record<string, string> = {
      'the admin': basic(berth.username, 'x'.repeat(43)),
      'the admin, nearly right': basic(berth.username, near),
      'a token': basic(person.username, 'x'.repeat(43)),
      'an unknown user': basic('unknown-user', 'x'.repeat(43)),
      'an application': basic(robot.appId, 'x'.repeat(43)),
      'an application, nearly right': basic(robot.appId, `${robot.secret.slice(0, -2)}AB`),
      'an unknown application': basic(randomIds.guid(), 'x'.repeat(43)),
      'the password of another': basic(person.username, berth.password),
    };
    const times = new Map(Object.keys(offers).map((who) => [who, [] as number[]]));
    for (let round = 0; round < rounds; round++) {
      for (const [who, authorization] of Object.entries(offers)) {
        const started = performance.now();
        const { status } = await berth.nobody('GET', '/v2/', { headers: { authorization } });
        times.get(who)?.push(performance.now() - started);
        expect(status).toBe(401);
      }
    }
    const medians = [...times].map(([who, list]) => ({ who, ms: list.toSorted((a, b) => a - b)[rounds / 2] ?? 0 }));
    const [least, most] = [Math.min(...medians.map(({ ms }) => ms)), Math.max(...medians.map(({ ms }) => ms))];
    // Coarse on purpose: it finds a slow hash or a look-up that one path has and another has not.
    expect(most - least, JSON.stringify(medians)).toBeLessThan(most / 2 + 1);
  });
});

describe('a secret (S19)', () => {
  it('matches its own hash only, and no hash of another length or form', () => {
    const [secret, id] = [randomIds.secret(), randomIds.id()];
    const hash = hashSecret(secret, id);
    expect(secretMatches(secret, id, hash)).toBe(true);
    for (const other of ['', 'x', hash.slice(0, -1), hash.slice(0, -2), `${hash}00`, 'z'.repeat(64), '0'.repeat(64)]) {
      expect(secretMatches(secret, id, other), other).toBe(false);
    }
    expect(secretMatches(secret, randomIds.id(), hash)).toBe(false);
    expect(secretMatches('', id, hash)).toBe(false);
  });
});
