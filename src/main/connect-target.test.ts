import { describe, expect, test } from 'vitest';
import { connectTarget } from './connect-target.ts';

const options = { domain: 'berth.localhost', ports: [443, 8443] };

describe('the target of a CONNECT request', () => {
  test.each([
    ['team.berth.localhost:443', 'team.berth.localhost'],
    ['team.berth.localhost:8443', 'team.berth.localhost'],
    ['TEAM.Berth.LOCALHOST:443', 'team.berth.localhost'],
    ['team.berth.localhost.:443', 'team.berth.localhost'],
    ['team.local.data.berth.localhost:443', 'team.local.data.berth.localhost'],
  ])('%s is a host of Berth', (authority, host) => {
    expect(connectTarget(authority, options)).toEqual({ host });
  });

  test.each([
    'example.com:443',
    'berth.localhost:443',
    '.berth.localhost:443',
    'teamberth.localhost:443',
    'team.berth.localhost.example.com:443',
    'team..berth.localhost:443',
    'team.berth.localhost..:443',
    '-team.berth.localhost:443',
    'team-.berth.localhost:443',
    `${'a'.repeat(64)}.berth.localhost:443`,
    `${'a.'.repeat(130)}berth.localhost:443`,
    `${'a.'.repeat(118)}aa.berth.localhost:443`,
    'user@team.berth.localhost:443',
    'team.berth.localhost@example.com:443',
    'localhost:443',
    '127.0.0.1:443',
    '[::1]:443',
    '[::ffff:127.0.0.1]:443',
    '2130706433:443',
    'team.berth.localhost',
    'team.berth.localhost:',
    'team.berth.localhost:0',
    'team.berth.localhost:0443',
    'team.berth.localhost:443/',
    'team.berth.localhost:443:443',
    'team.berth.localhost:+443',
    'https://team.berth.localhost:443',
    'team.berth.localhost%00.example.com:443',
    'täam.berth.localhost:443',
    ' team.berth.localhost:443',
    '',
  ])('"%s" is none', (authority) => {
    expect(connectTarget(authority, options)).toEqual({
      refused: 'this proxy leads to names below berth.localhost only',
    });
  });

  test.each(['22', '80', '8444', '65535', '99999'])('port %s of a host of Berth is refused', (port) => {
    expect(connectTarget(`team.berth.localhost:${port}`, options)).toEqual({
      refused: 'this proxy leads to port 443 and 8443 only',
    });
  });
});
