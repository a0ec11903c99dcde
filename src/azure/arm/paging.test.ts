import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { planeUrls } from '../../kernel/index.ts';
import { armList, pageSize, parseArmPage } from './paging.ts';
import type { ArmCall } from './provider.ts';

const callFor = (path: string, query: string): Pick<ArmCall, 'exchange' | 'urls'> => ({
  exchange: { path, query: new URLSearchParams(query) } as ArmCall['exchange'],
  urls: planeUrls('berth.localhost', 'management.berth.localhost:8443'),
});

it('the next link leads to the same host and list, and says where to go on', () => {
  const { nextLink } = armList(
    callFor('/a//b', "api-version=x&$filter=name eq 'a b'&$skipToken=old&$top=3"),
    [],
    '/a/b/é',
  );
  const url = new URL(nextLink ?? '');
  expect([url.host, url.pathname]).toEqual(['management.berth.localhost:8443', '/a/b']);
  expect(url.searchParams.get('$filter')).toBe("name eq 'a b'");
  expect(url.searchParams.getAll('$skipToken')).toHaveLength(1);
  expect(nextLink).toContain('$skipToken=');
  expect(parseArmPage(url.searchParams)).toEqual({ limit: 3, last: '/a/b/é' });
});

it('the last page has none', () => expect(armList(callFor('/a', ''), [], null)).toEqual({ value: [] }));

it('a page is never larger than the list allows', () => {
  expect(parseArmPage(new URLSearchParams('$top=999999999')).limit).toBe(pageSize);
  expect(parseArmPage(new URLSearchParams('')).limit).toBe(pageSize);
});

it('every place survives its token, and what is no token is refused', () => {
  const printable = fc.string({ unit: fc.constantFrom('/', 'a', ' ', 'é', '~', '\u{1f600}'), minLength: 1 });
  fc.assert(
    fc.property(printable, (last) => {
      const { nextLink } = armList(callFor('/a', ''), [], last);
      expect(parseArmPage(new URL(nextLink ?? '').searchParams).last).toBe(last);
    }),
  );
  for (const token of ['', '%', 'YQ==', 'a'.repeat(5000), Buffer.from('a\nb').toString('base64url')]) {
    expect(() => parseArmPage(new URLSearchParams([['$skipToken', token]])), token).toThrow('$skipToken');
  }
});
