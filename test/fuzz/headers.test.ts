import type { IncomingMessage, ServerResponse } from 'node:http';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataRoutes } from '../../src/content/index.ts';
import { nextLink } from '../../src/content/wire/paging.ts';
import { openExchange } from '../../src/http/exchange.ts';
import { compileRoutes } from '../../src/http/index.ts';
import { etagMatches, ifRangeMatches, isFault, maxPageLimit, parsePage } from '../../src/kernel/index.ts';
import { expectLinear, fuzz, hostileText, outcomeOf } from './_fuzz.ts';

const opaque = fc.constantFrom('"a"', '"b"', '""', '"sha256:00"', '"a,b"', '"W/"', '"*"');

describe('If-None-Match', () => {
  it('matches exactly the tags that are listed, weak or strong', () => {
    const entry = fc.tuple(fc.constantFrom('', 'W/'), opaque);
    const comma = fc.constantFrom(',', ', ', ' , ', ',,', '\t,');
    fuzz(
      fc.tuple(fc.array(fc.tuple(entry, comma), { maxLength: 5 }), opaque),
      ([entries, etag]) => {
        const header = entries.map(([[weak, tag], separator]) => `${weak}${tag}${separator}`).join('');
        expect(etagMatches(header, etag), header).toBe(entries.some(([[, tag]]) => tag === etag));
      },
      1000,
    );
  });

  it('is not read behind what is no tag', () => {
    const broken = fc.constantFrom('x', '"a', 'w/"a"', '"a"x', '"a""a"', "'a'", '"\u0000"', ';');
    fuzz(fc.tuple(broken, opaque, opaque), ([wrong, behind, etag]) => {
      expect(etagMatches(`${wrong}, ${behind}`, etag), `${wrong}, ${behind} for ${etag}`).toBe(false);
    });
  });

  it('of any text matches only a tag that stands in it', () => {
    fuzz(fc.tuple(hostileText('"a"', 'W/"a"', '"', '*', ', '), opaque), ([header, etag]) => {
      if (etagMatches(header, etag)) expect(header.trim() === '*' || header.includes(etag)).toBe(true);
      expect(ifRangeMatches(header, etag)).toBe(header.trim() === etag);
    });
  });

  it('takes linear time', () => {
    for (const unit of ['"a",', ',', ' ', '"', 'W/', 'W/"a"', '\t,', '*'])
      expectLinear(
        (size) => unit.repeat(size / unit.length),
        (header) => etagMatches(header, '"x"'),
      );
  });
});

describe('Host and request target', () => {
  const exchangeOf = (url: string, host: string | undefined) =>
    openExchange(
      { url, method: 'GET', headers: { host }, socket: {} } as unknown as IncomingMessage,
      {} as ServerResponse,
      {
        listener: { name: 'http', network: 'loopback', scheme: 'http' },
        requestId: 'x',
        startedAt: 0,
        expectsContinue: false,
      },
    );
  const hosts = hostileText('localhost', ':5000', '127.0.0.1', '[::1]', 'registry.example', '@', ':', 'a'.repeat(200));
  const targets = hostileText('/v2/', 'http://', 'HTTPS://', '//', '?', 'a=b', '#', '*', '%00', '@host', ':80');

  it('give a host of host characters or none, and a path without query', () => {
    fuzz(
      fc.tuple(targets, hosts),
      ([url, header]) => {
        const { host, path, query } = exchangeOf(url, header);
        expect(host).toMatch(/^[A-Za-z0-9._:[\]-]{0,260}$/);
        expect(path).not.toContain('?');
        expect([...query.keys()].length).toBeLessThan(200);
      },
      1000,
    );
  });

  it('keep a well-formed host as it was sent', () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,10}$/);
    fuzz(fc.tuple(fc.array(label, { minLength: 1, maxLength: 4 }), fc.option(fc.nat(65_535))), ([labels, port]) => {
      const host = `${labels.join('.')}${port === null ? '' : `:${port}`}`;
      expect(exchangeOf('/v2/', host).host).toBe(host);
      // A whole URL as target counts instead of the header (RFC 9112 §3.2.2).
      expect(exchangeOf(`http://${host}/v2/?n=1`, 'other')).toMatchObject({ host, path: '/v2/' });
    });
  });

  it('take linear time', () => {
    for (const unit of ['a', '.', ':', '[', '/', '?', '%', '&a='])
      expectLinear(
        (size) => unit.repeat(size / unit.length),
        (text) => exchangeOf(`http://${text}`, text).query,
      );
  });
});

describe('a path', () => {
  const match = compileRoutes(dataRoutes);

  it('of any text is a route, a wrong method or nothing', () => {
    const paths = hostileText(
      '/v2/',
      '/manifests/',
      '/blobs/',
      'uploads',
      '/tags/list',
      '/acr/v1/',
      '_tags',
      '%2F',
      '%',
    );
    fuzz(
      fc.tuple(fc.constantFrom('GET', 'PUT', 'DELETE', 'PATCH', 'TRACE', '__proto__'), paths),
      ([method, path]) => {
        const found = match(method, path);
        expect(['match', 'method', 'none']).toContain(found.kind);
        if (found.kind !== 'match') return;
        expect(found.route.methods).toContain(method);
        for (const value of Object.values(found.parameters)) expect(value).not.toBe('');
      },
      1000,
    );
  });

  it('built from a route and parameters leads back to both', () => {
    const segment = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter((text) => text.isWellFormed());
    const names = segment.filter((text) => !text.includes('/') && !text.startsWith('_') && text !== 'uploads');
    const route = fc.constantFrom(...dataRoutes.filter(({ pattern }) => pattern.startsWith('/v2/{name*}')));
    fuzz(
      fc.tuple(route, fc.array(names, { minLength: 1, maxLength: 3 }), names),
      ([{ pattern, methods }, name, last]) => {
        const path = pattern
          .replace('{name*}', () => name.map(encodeURIComponent).join('/'))
          .replace(/\{[a-z]+\}/, () => encodeURIComponent(last));
        const found = match(methods[0] ?? '', path);
        expect(found.kind, path).toBe('match');
        if (found.kind !== 'match') return;
        expect(found.route.pattern).toBe(pattern);
        expect(found.parameters['name']).toBe(name.join('/'));
        const { name: _name, ...others } = found.parameters;
        for (const value of Object.values(others)) expect(value).toBe(last);
      },
    );
  });

  it('takes linear time', () => {
    for (const unit of ['/', 'a/', '%41', '%', '/v2', 'a/manifests/'])
      expectLinear(
        (size) => `/v2/${unit.repeat(size / unit.length)}`,
        (path) => match('GET', path),
      );
  });
});

describe('a page', () => {
  it('written as a Link is read back from it', () => {
    const last = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => !text.includes('\0'));
    fuzz(
      fc.tuple(last, fc.nat(maxPageLimit), fc.dictionary(fc.constantFrom('orderby', 'digest'), last)),
      ([name, limit, more]) => {
        const link = nextLink('/v2/a/tags/list', { limit, last: null }, name, more);
        // What a client resolves is one URI in angle brackets; nothing in it may end it early.
        const [, uri] = /^<([\x21-\x3b\x3d\x3f-\x7e]+)>; rel="next"$/.exec(link) ?? [];
        expect(uri, link).toBeDefined();
        const { searchParams } = new URL(String(uri), 'http://localhost');
        if (name.isWellFormed()) {
          expect(parsePage(searchParams.get('n'), searchParams.get('last'))).toEqual({ limit, last: name });
        }
      },
    );
  });

  it('has at most as many items as are ever given, whatever is asked', () => {
    fuzz(fc.tuple(fc.option(hostileText('1', '100')), fc.option(hostileText('team/app'))), ([n, last]) => {
      const { value, error } = outcomeOf(() => parsePage(n, last));
      if (value === undefined) expect(isFault(error, 'page-invalid') && error.message.length < 200).toBe(true);
      else expect(Number.isInteger(value.limit) && value.limit >= 0 && value.limit <= maxPageLimit).toBe(true);
    });
  });
});
