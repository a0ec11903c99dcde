import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readUserName } from '../../src/identity/accounts/user-name.ts';
import { isLoopbackRedirect } from '../../src/identity/provider/clients.ts';
import { parseFields } from '../../src/identity/provider/form.ts';
import { formSeal } from '../../src/identity/provider/form-seal.ts';
import { escapeHtml, html } from '../../src/identity/provider/pages/html.ts';
import { OAuthRefusal } from '../../src/identity/provider/refusal.ts';
import { readResource, readScopes } from '../../src/identity/provider/scopes.ts';
import { readTenant } from '../../src/identity/provider/tenant.ts';
import { addressGroup } from '../../src/identity/sessions/address-group.ts';
import { manualClock } from '../../src/kernel/index.ts';
import { expectLinear, fuzz, hostileText, outcomeOf } from './_fuzz.ts';

const domain = 'berth.localhost';
const tenantId = '11111111-1111-4111-8111-111111111111';

/** A parser of the identity provider answers, or refuses in a way that its wire can say. */
function expectRefusal(parse: () => unknown): void {
  const { error } = outcomeOf(parse);
  if (error !== undefined) expect(error).toBeInstanceOf(OAuthRefusal);
}

describe('a form of the identity provider', () => {
  const text = hostileText('grant_type=', 'scope', '=', '&', '&a=1&a=2', '+', '%zz', 'a[]=', 'a.b=');
  it('is fields, each once, or refused', () => {
    fuzz(
      text,
      (body) => {
        const { value: fields, error } = outcomeOf(() => parseFields(body));
        const names = [...new URLSearchParams(body).keys()];
        if (fields === undefined) {
          expect(error).toBeInstanceOf(OAuthRefusal);
          const holdsNul = [...new URLSearchParams(body)].flat().some((part) => part.includes('\0'));
          expect(holdsNul || new Set(names).size < names.length || names.length > 100).toBe(true);
          return;
        }
        for (const name of names) expect(fields.get(name)).toBe(new URLSearchParams(body).get(name) || undefined);
        for (const name of ['__proto__', 'constructor', 'toString']) {
          if (!names.includes(name)) expect(fields.get(name)).toBeUndefined();
        }
      },
      1000,
    );
  });

  it('has no field with a NUL, which no database takes', () => {
    for (const body of ['nonce=%00', 'a%00=1', 'state=x%00y']) {
      expect(outcomeOf(() => parseFields(body)).error).toBeInstanceOf(OAuthRefusal);
    }
  });

  it('is read in linear time', () => {
    expectLinear(
      (size) => 'a=%26&'.repeat(size),
      (body) => outcomeOf(() => parseFields(body)),
    );
  });
});

describe('a scope', () => {
  const text = hostileText(
    '/.default',
    'https://',
    'management.berth.localhost',
    'graph.microsoft.com',
    '//.default',
    ' ',
    'openid',
    'offline_access',
    '@',
    '#',
    '?',
    ':443',
  );
  it('is for a resource that is there, or refused', () => {
    fuzz(
      text,
      (scope) => {
        expectRefusal(() => {
          const { audience, resource } = readScopes(scope, domain);
          const { hostname, username, hash, search } = new URL(audience);
          expect(username + hash + search).toBe('');
          const own = [`management.${domain}`, `graph.${domain}`, `msgraph.${domain}`];
          const foreign = [
            'management.azure.com',
            'management.core.windows.net',
            'graph.microsoft.com',
            'containerregistry.azure.net',
          ];
          expect([...own, ...foreign]).toContain(hostname);
          expect(['management', 'graph', 'registry']).toContain(resource);
        });
        expectRefusal(() => readResource(scope, domain));
      },
      2000,
    );
  });
});

describe('a way back', () => {
  it('leads to a port of this machine and nowhere else', () => {
    fuzz(
      hostileText(
        'http://localhost',
        'http://127.0.0.1:8400',
        'http://',
        'https://',
        'localhost',
        '127.0.0.1',
        ':8400',
        '/',
        '@',
        'evil.example',
        '.',
        '#',
        '?',
        '\\',
      ),
      (uri) => {
        if (!isLoopbackRedirect(uri)) return;
        const url = new URL(uri);
        expect(url.protocol).toBe('http:');
        expect(['localhost', '127.0.0.1']).toContain(url.hostname);
        expect(url.pathname + url.search + url.hash + url.username).toBe('/');
        // Behind it comes the answer: that must not change where it leads.
        expect(new URL(`${uri}?code=x`).origin).toBe(url.origin);
      },
      5000,
    );
    expect(isLoopbackRedirect('http://localhost:8400')).toBe(true);
  });
});

describe('other words of clients', () => {
  it('are a tenant, a user name or an address, or are not, and nothing else happens', () => {
    fuzz(
      hostileText('common', tenantId, domain, 'a@b.c', '@', '::', 'ffff', '192.0.2.1', '%eth0'),
      (text) => {
        expectRefusal(() => readTenant(text, { tenantId, domain }));
        const name = readUserName(text, domain);
        if (name !== undefined) expect(name).toMatch(/^[\w.'+-]+@[\w.-]+$/);
        expect(typeof addressGroup(text)).toBe('string');
      },
      2000,
    );
  });

  it('are read in linear time', () => {
    expectLinear(
      (size) => 'a.'.repeat(size),
      (name) => readUserName(name, domain),
    );
    expectLinear(
      (size) => '-'.repeat(size),
      (name) => readUserName(`a@a${name}`, domain),
    );
    expectLinear((size) => ':'.repeat(size), addressGroup);
    expectLinear(
      (size) => 'x '.repeat(size),
      (scope) => outcomeOf(() => readScopes(scope, domain)),
    );
  });
});

describe('the seal of a form', () => {
  const seal = formSeal({ key: new Uint8Array(32).fill(1), clock: manualClock() });
  const state = fc.dictionary(fc.string(), fc.string({ unit: 'binary' }));
  it('opens what it closed, for the same purpose and browser', () => {
    fuzz(fc.tuple(state, fc.string({ minLength: 1 }), fc.string()), ([fields, browser, purpose]) => {
      const sealed = seal.seal(purpose, browser, fields);
      if (sealed.length > 16_000) return;
      expect({ ...seal.open(purpose, browser, sealed) }).toEqual({ ...fields });
      expect(seal.open(`${purpose}x`, browser, sealed)).toBeUndefined();
      expect(seal.open(purpose, `${browser}x`, sealed)).toBeUndefined();
    });
  });

  it('opens nothing else', () => {
    const sealed = seal.seal('p', 'b', { a: '1' });
    fuzz(hostileText(sealed, '.', sealed.slice(0, 20), 'eyJ1bnRpbCI6'), (text) => {
      if (text !== sealed) expect(seal.open('p', 'b', text)).toBeUndefined();
    });
    expect(seal.open('p', '', seal.seal('p', '', {}))).toBeUndefined();
  });
});

describe('text in a page', () => {
  it('stays text', () => {
    fuzz(hostileText('<script>', '"', "'", '&', '<', '>', '</title>', '-->', 'javascript:'), (text) => {
      expect(escapeHtml(text)).not.toMatch(/[<>"']/);
      const page = html`<p title="${text}">${text}</p>`.html;
      expect(page.match(/[<>]/g)).toHaveLength(4);
      expect(page.match(/"/g)).toHaveLength(2);
    });
  });
});
