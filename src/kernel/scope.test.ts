import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuTime } from './_cpu-time.ts';
import { isFault } from './fault.ts';
import { parseScopes, type Scope } from './scope.ts';

const formatScope = ({ type, name, actions }: Scope): string => `${type}:${name}:${actions.join(',')}`;

/** The scopes, or none when the request was refused; any other error is thrown on. */
function scopesOrNone(values: readonly string[]): Scope[] {
  try {
    return parseScopes(values);
  } catch (error) {
    if (isFault(error, 'request-invalid')) return [];
    throw error;
  }
}

describe('parseScopes', () => {
  it.each([
    ['repository:team/app:pull', { type: 'repository', name: 'team/app', actions: ['pull'] }],
    ['repository:app:pull,push', { type: 'repository', name: 'app', actions: ['pull', 'push'] }],
    [
      'repository:app:pull,push,metadata_write,metadata_read,delete',
      { type: 'repository', name: 'app', actions: ['pull', 'push', 'metadata_write', 'metadata_read', 'delete'] },
    ],
    ['repository:*:*', { type: 'repository', name: '*', actions: ['*'] }],
    ['registry:catalog:*', { type: 'registry', name: 'catalog', actions: ['*'] }],
    ['registry:None:*', { type: 'registry', name: 'None', actions: ['*'] }],
    ['artifact-repository:charts:pull', { type: 'artifact-repository', name: 'charts', actions: ['pull'] }],
    ['repository:localhost:5000/app:pull', { type: 'repository', name: 'localhost:5000/app', actions: ['pull'] }],
    ['repository(plugin):vieux/sshfs:pull', { type: 'repository', name: 'vieux/sshfs', actions: ['pull'] }],
    ['spaceship:enterprise:fly', { type: 'spaceship', name: 'enterprise', actions: ['fly'] }],
    ['repository:app:pull,,pull,PUSH', { type: 'repository', name: 'app', actions: ['pull'] }],
  ])('reads %s', (text, scope) => expect(parseScopes([text])).toEqual([scope]));

  it('reads scopes that are repeated, separated by blanks, or both, in their order', () => {
    const names = parseScopes(['repository:a:pull  repository:b:pull ', '', 'repository:c:pull']).map(
      (scope) => scope.name,
    );
    expect(names).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['nothing', ''],
    ['an OpenID scope', 'openid offline_access'],
    ['a resource address', 'https://management.azure.com/.default'],
    ['a type alone', 'repository'],
    ['no actions', 'repository:app'],
    ['empty actions', 'repository:app:'],
    ['only unreadable actions', 'repository:app:PULL,ä'],
    ['an empty name', 'repository::pull'],
    ['an empty type', ':app:pull'],
    ['an upper-case type', 'Repository:app:pull'],
    ['an open class', 'repository(plugin:app:pull'],
    ['a quote in the name', 'repository:a"b:pull'],
    ['a backslash in the name', 'repository:a\\b:pull'],
    ['a tab in the name', 'repository:a\tb:pull'],
    ['letters beyond ASCII in the name', 'repository:äpp:pull'],
  ])('ignores %s', (_, text) => expect(parseScopes([text])).toEqual([]));

  it('keeps good scopes beside garbage', () => {
    expect(parseScopes(['openid repository:app:pull ::: x'])).toEqual([
      { type: 'repository', name: 'app', actions: ['pull'] },
    ]);
  });

  it('takes 100 scopes and refuses 101, garbage counted', () => {
    expect(parseScopes(Array.from({ length: 100 }, (_, n) => `repository:r${n}:pull`))).toHaveLength(100);
    const refusal = expect.objectContaining({ code: 'request-invalid' });
    expect(() => parseScopes(Array.from({ length: 101 }, (_, n) => `repository:r${n}:pull`))).toThrow(refusal);
    expect(() => parseScopes(['x '.repeat(101)])).toThrow(refusal);
  });

  it('takes 8 KiB over all values and refuses more', () => {
    const scope = `repository:${'a'.repeat(8192 - 'repository::pull'.length)}:pull`;
    expect(parseScopes([scope])).toHaveLength(1);
    const refusal = expect.objectContaining({ code: 'request-invalid' });
    expect(() => parseScopes([scope, 'x'])).toThrow(refusal);
    expect(() => parseScopes([' '.repeat(8193)])).toThrow(refusal);
  });

  it('reads back what formatScope writes', () => {
    const scope = fc.record({
      type: fc.stringMatching(/^[a-z0-9-]{1,20}$/),
      name: fc.stringMatching(/^[a-z0-9:/._*-]{1,40}$/),
      actions: fc.uniqueArray(fc.stringMatching(/^(\*|[a-z_]{1,12})$/), { minLength: 1, maxLength: 5 }),
    });
    fc.assert(
      fc.property(fc.array(scope, { maxLength: 20 }), (scopes) => {
        expect(parseScopes(scopes.map(formatScope))).toEqual(scopes);
        expect(parseScopes([scopes.map(formatScope).join(' ')])).toEqual(scopes);
      }),
    );
  });

  it('answers hostile text with scopes or a fault', () => {
    const piece = fc.constantFrom(
      'repository',
      'registry',
      ':',
      ',',
      ' ',
      '*',
      '(',
      ')',
      'pull',
      '"',
      '\u0000',
      '\u{1F600}',
    );
    const value = fc.oneof(
      fc.array(piece).map((pieces) => pieces.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(value, { size: 'medium' }), (values) => {
        const scopes = scopesOrNone(values);
        expect(parseScopes(scopes.map(formatScope))).toEqual(scopes);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([':', 'a', 'a:', ',', ' ', '('])('takes linear time on the longest text of "%s"', (text) => {
    const took = cpuTime(() => {
      const value = `a:b${text.repeat(8188 / text.length)}`;
      for (let round = 0; round < 100; round += 1) parseScopes([value]);
    });
    expect(took).toBeLessThan(5000);
  });
});
