import { describe, expect, test } from 'vitest';
import { hostsPath, withEntries } from './hosts-file.ts';

const label = 'Berth berth.localhost (1a2b3c4d)';
const block = [
  `# begin ${label}, by berth trust --hosts`,
  '127.0.0.1 a.berth.localhost',
  '127.0.0.1 b.berth.localhost',
  `# end ${label}`,
];
const names = ['b.berth.localhost', 'a.berth.localhost', 'a.berth.localhost'];

describe('the hosts file', () => {
  test.each([
    ['an ordinary file', '127.0.0.1 localhost\n::1 localhost\n', '\n'],
    ['an empty file', '', '\n'],
    ['a file of Windows', '127.0.0.1 localhost\r\n', '\r\n'],
  ])('gets the names between two lines, and is afterwards as it was: %s', (_what, before, end) => {
    const after = withEntries(before, { label, names });
    expect(after).toBe(before + block.map((line) => `${line}${end}`).join(''));
    expect(withEntries(after, { label, names })).toBe(after);
    expect(withEntries(after, { label, names: [] })).toBe(before);
  });

  test('keeps what others wrote before and behind, and takes other names in', () => {
    const text = ['10.0.0.1 nas', ...block, '10.0.0.2 printer', ''].join('\n');
    const renamed = withEntries(text, { label, names: ['c.berth.localhost'] });
    expect(withEntries(renamed, { label, names: [] })).toBe('10.0.0.1 nas\n10.0.0.2 printer\n');
    expect(renamed).toContain('127.0.0.1 c.berth.localhost\n');
    expect(renamed).not.toContain('a.berth.localhost');
    expect(renamed.match(/# begin/g)).toHaveLength(1);
  });

  test('begins on a line of its own', () => {
    expect(withEntries('127.0.0.1 localhost', { label, names })).toBe(`127.0.0.1 localhost\n${block.join('\n')}\n`);
  });

  test('keeps the block of another Berth', () => {
    const other = withEntries('', { label: 'Berth berth.localhost (99999999)', names: ['x.berth.localhost'] });
    const both = withEntries(other, { label, names });
    expect(withEntries(both, { label, names: [] })).toBe(other);
  });

  test.each([block.slice(0, 2), block.slice(2), block.toReversed()])(
    'is left alone when its marks are broken',
    (...lines) => {
      expect(() => withEntries(lines.join('\n'), { label, names: [] })).toThrow('do not belong together');
    },
  );

  test('is where the system keeps it', () => {
    expect(hostsPath({ platform: 'linux', env: {} })).toBe('/etc/hosts');
    expect(hostsPath({ platform: 'darwin', env: {} })).toBe('/etc/hosts');
    expect(hostsPath({ platform: 'win32', env: { SystemRoot: 'D:\\Win' } })).toBe(
      'D:\\Win\\System32\\drivers\\etc\\hosts',
    );
    expect(hostsPath({ platform: 'win32', env: {} })).toBe('C:\\Windows\\System32\\drivers\\etc\\hosts');
  });
});
