import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseScopeMapActions } from '../../src/identity/grants.ts';
import { restrictionOf } from '../../src/identity/token-service.ts';
import { isFault, parseAuthorization, parseScopes } from '../../src/kernel/index.ts';
import { expectLinear, fuzz, hostileText, outcomeOf } from './_fuzz.ts';

const schemes = ['none', 'unusable', 'basic', 'bearer'];
const isPlain = (text: string) => text.isWellFormed() && !/\p{Cc}/u.test(text);

describe('an Authorization header', () => {
  it('is one of four things, whatever it holds', () => {
    fuzz(
      hostileText('Basic ', 'Bearer ', 'basic', 'YTpi', 'YTpi==', 'eyJ.eyJ.x', 'Negotiate ', ','),
      (header) => {
        const found = parseAuthorization(header);
        expect(schemes).toContain(found.scheme);
        expect(found.scheme).not.toBe('none');
        if (found.scheme === 'basic') expect(isPlain(found.username) && isPlain(found.password)).toBe(true);
      },
      2000,
    );
  });

  it('gives back the user and the password that were written, or is unusable for what is in them', () => {
    const unit = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 1 }),
      fc.constantFrom('\0', '\n', '\u007f', '\u009b'),
    );
    const text = fc.array(unit, { maxLength: 20 }).map((parts) => parts.join(''));
    fuzz(fc.tuple(text, text, fc.constantFrom('Basic', 'basic', 'BASIC')), ([username, password, scheme]) => {
      const name = username.replaceAll(':', '');
      const header = `${scheme} ${Buffer.from(`${name}:${password}`).toString('base64')}`;
      const sound = isPlain(name) && isPlain(password);
      expect(parseAuthorization(header)).toEqual(
        sound ? { scheme: 'basic', username: name, password } : { scheme: 'unusable' },
      );
    });
  });

  it('takes linear time', () => {
    for (const unit of ['a', ' ', '=', 'a=', 'Basic ', 'YTpi'])
      expectLinear(
        (size) => `Basic ${unit.repeat(size / unit.length)}`,
        (header) => parseAuthorization(header),
      );
  });
});

describe('scopes', () => {
  const words = ['repository', ':', 'team/app', 'pull', 'push', ',', '*', 'registry:catalog:*', '(plugin)', ' ', '::'];

  it('are read or refused, and what is read can be written and read again', () => {
    fuzz(
      fc.array(hostileText(...words), { maxLength: 4 }),
      (values) => {
        const { value, error } = outcomeOf(() => parseScopes(values));
        if (value === undefined) {
          expect(isFault(error, 'request-invalid')).toBe(true);
          return;
        }
        const written = value.map(({ type, name, actions }) => `${type}:${name}:${actions.join(',')}`);
        expect(parseScopes([written.join(' ')])).toEqual(value);
        for (const { name, actions } of value) {
          expect(name).not.toMatch(/[\s"\\\u007f-\uffff]/u);
          expect(actions.length).toBeGreaterThan(0);
        }
      },
      2000,
    );
  });

  it('are what was asked, each action once', () => {
    const action = fc.constantFrom('pull', 'push', 'delete', '*', 'metadata_read', 'x-1');
    const scope = fc.record({
      type: fc.constantFrom('repository', 'registry', 'x'),
      name: fc.constantFrom('a', 'team/app', 'host:5000/a', 'catalog', '*'),
      actions: fc.array(action, { minLength: 1, maxLength: 4 }),
    });
    fuzz(fc.tuple(fc.array(scope, { maxLength: 5 }), fc.boolean()), ([asked, together]) => {
      const written = asked.map(({ type, name, actions }) => `${type}:${name}:${actions.join(',')}`);
      const wanted = asked.map((one) => ({ ...one, actions: [...new Set(one.actions)] }));
      expect(parseScopes(together ? [written.join(' ')] : written)).toEqual(wanted);
    });
  });

  it('take linear time', () => {
    for (const unit of ['a', ':', 'a:', ',', 'a,', ' ', '(a)', 'repository:a:pull '])
      expectLinear(
        (size) => [unit.repeat(size / unit.length)],
        (values) => outcomeOf(() => parseScopes(values)),
      );
  });
});

describe('the actions of a scope map', () => {
  it('are rights on names, or a refusal of few words', () => {
    const line = hostileText('repositories/', 'team/app', '/*', '*', '/content/read', '/content/', '/metadata/write');
    fuzz(
      fc.array(line, { maxLength: 4 }),
      (lines) => {
        const { value, error } = outcomeOf(() => parseScopeMapActions(lines));
        if (value === undefined) {
          expect(isFault(error, 'request-invalid') && error.message.length < 500).toBe(true);
          return;
        }
        for (const prefix of value.prefixes.keys()) expect(prefix).toMatch(/^[a-z0-9].*\/$/);
        for (const name of value.exact.keys()) expect(name).toMatch(/^[a-z0-9]/);
      },
      1000,
    );
  });

  it('take linear time', () => {
    for (const unit of ['/', 'a/', '/content/read', '*'])
      expectLinear(
        (size) => [`repositories/${unit.repeat(size / unit.length)}`],
        (lines) => outcomeOf(() => parseScopeMapActions(lines)),
      );
  });
});

describe('the access list of a token', () => {
  it('grants nothing that its words do not say', () => {
    const entry = fc.record({
      type: fc.constantFrom('repository', 'registry', 'x'),
      name: fc.constantFrom('catalog', 'a', '*', '__proto__', 'constructor'),
      actions: fc.array(fc.constantFrom('pull', 'push', 'delete', '*', '__proto__', 'toString'), { maxLength: 3 }),
    });
    fuzz(fc.array(entry, { maxLength: 4 }), (entries) => {
      const { catalog, repositories } = restrictionOf(entries);
      const mayList = entries.some(
        ({ type, name, actions }) => type === 'registry' && name === 'catalog' && actions.includes('*'),
      );
      expect(catalog).toBe(mayList);
      for (const [name, mask] of repositories) {
        const words = entries.filter((one) => one.type === 'repository' && one.name === name);
        const known = words.some(({ actions }) =>
          actions.some((word) => ['pull', 'push', 'delete', '*'].includes(word)),
        );
        expect(mask !== 0).toBe(known);
      }
    });
  });
});
