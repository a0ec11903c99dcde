import { describe, expect, test } from 'vitest';
import { parseTrustedProxies, readForwarded } from './forwarded.ts';

const trusted = parseTrustedProxies('127.0.0.1, 10.1.0.0/16, fd00::/8');

function read(peer: string, headers: Readonly<Record<string, string>>, believesHost = false) {
  return readForwarded({ proxies: trusted, believesHost }, peer, (name) => headers[name]);
}

describe('the list of trusted proxies', () => {
  test('holds addresses and networks of both kinds', () => {
    expect(['127.0.0.1', '10.1.255.3', 'fd12::1'].every((one) => trusted.includes(one))).toBe(true);
    expect(['127.0.0.2', '10.2.0.1', 'fe80::1', '', 'unknown'].some((one) => trusted.includes(one))).toBe(false);
  });

  test('knows an IPv4 proxy on an IPv6 socket', () => {
    expect(trusted.includes('::ffff:10.1.2.3')).toBe(true);
    expect(trusted.includes('::ffff:10.2.2.3')).toBe(false);
  });

  test.each(['', 'nginx', '10.0.0.0/33', '10.0.0.1,', '10.0.0.1 10.0.0.2', '10.0.0.0/', '1.2.3'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseTrustedProxies(text)).toThrow(/neither an IP address nor a network/);
    },
  );

  test.each(['0.0.0.0/0', '::/0'])('refuses everybody, %s', (text) => {
    expect(() => parseTrustedProxies(text)).toThrow(/everybody/);
  });
});

describe('what a trusted proxy tells', () => {
  test('is the client and its scheme, and its host where the operator says so', () => {
    const headers = {
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'registry.example.com:8443',
    };
    expect(read('10.1.0.1', headers, true)).toEqual({
      address: '203.0.113.7',
      scheme: 'http',
      host: 'registry.example.com:8443',
    });
    expect(read('10.1.0.1', {}, true).host).toBeNull();
  });

  test('is no host otherwise: proxies that do not know X-Forwarded-Host pass on what the client wrote', () => {
    expect(read('10.1.0.1', { 'x-forwarded-host': 'other.example.com' }).host).toBeNull();
    expect(read('10.1.0.1', { 'x-forwarded-host': 'a"b' }).host).toBeNull();
  });

  test('is TLS and the proxy itself when it tells nothing', () => {
    expect(read('10.1.0.1', {})).toEqual({ address: '10.1.0.1', scheme: 'https', host: null });
  });

  test('goes through several proxies to the first that is not trusted', () => {
    expect(read('127.0.0.1', { 'x-forwarded-for': '203.0.113.7, 10.1.0.9' }).address).toBe('203.0.113.7');
    expect(read('127.0.0.1', { 'x-forwarded-for': '10.1.0.8, 10.1.0.9' }).address).toBe('10.1.0.8');
  });

  test('never is an address that the client wrote itself', () => {
    const forged = { 'x-forwarded-for': '127.0.0.1, 10.1.0.1, 203.0.113.7' };
    expect(read('10.1.0.1', forged).address).toBe('203.0.113.7');
    // What stands left of the client is not even looked at.
    expect(read('10.1.0.1', { 'x-forwarded-for': 'anything, 203.0.113.7' }).address).toBe('203.0.113.7');
  });

  test.each([
    ['203.0.113.7:4711', '203.0.113.7'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
  ])('may have a port: %s', (written, address) => {
    expect(read('10.1.0.1', { 'x-forwarded-for': written }).address).toBe(address);
  });

  test.each([
    ['x-forwarded-for', 'unknown'],
    ['x-forwarded-for', '203.0.113.7 evil'],
    ['x-forwarded-for', Array.from({ length: 33 }, () => '10.1.0.1').join(',')],
    ['x-forwarded-proto', 'https, http'],
    ['x-forwarded-proto', 'ws'],
    ['x-forwarded-host', 'a.example.com, b.example.com'],
    ['x-forwarded-host', 'evil/path'],
    ['x-forwarded-host', 'a"b'],
    ['x-forwarded-host', ''],
  ])('is refused when %s is "%s"', (name, value) => {
    expect(() => read('10.1.0.1', { [name]: value }, true)).toThrow(/X-Forwarded-/);
  });
});
