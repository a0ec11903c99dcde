import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/main/config.ts';
import { environmentName, flagProperty, keyNames } from '../../src/main/config-names.ts';
import { formatValue, parseValue } from '../../src/main/config-parse.ts';
import { configKeys, type KeyDefinition } from '../../src/main/config-schema.ts';
import { StartRefusal } from '../../src/main/start-refusal.ts';
import { expectLinear, fuzz, hostileText, outcomeOf } from './_fuzz.ts';

const base = { folder: '/work', home: '/home/somebody' };

function load(file: string, env: Record<string, string> = {}, flags: Record<string, unknown> = {}) {
  return outcomeOf(() => loadConfig({ flags, env, ...base, readFile: () => file }));
}

/** What a person sees of a refusal: one line that is no stack. */
function expectOneLine(error: unknown, where: string): void {
  expect(error, where).toBeInstanceOf(StartRefusal);
  expect((error as Error).message, where).not.toContain('\n');
}

const words = ['127.0.0.1:5000', '[::1]:443', 'localhost:0', 'off', '4MiB', '90s', '75m', 'true', 'false', 'info'];
const scalar = fc.oneof(hostileText(...words, 'berth.example', 'postgres://u:p@h/d', '~/x'), fc.constantFrom(...words));

describe('a value of the configuration', () => {
  it.each(keyNames)('%s is read or refused, and what is read is written as it can be read again', (key) => {
    const definition: KeyDefinition = configKeys[key];
    fuzz(
      scalar,
      (text) => {
        const { value, error } = outcomeOf(() => parseValue(definition, text, base));
        if (error !== undefined) {
          expect(error).toBeInstanceOf(StartRefusal);
          return;
        }
        const written = formatValue(definition, value ?? null);
        if (definition.type === 'secret') expect(written).toBe('***');
        else expect(formatValue(definition, parseValue(definition, written, base))).toBe(written);
      },
      100,
    );
  });
});

describe('a configuration', () => {
  it('of any YAML, variables and flags is read or refused in one line', () => {
    const key = fc.constantFrom<string>(...keyNames, 'limits', 'http', '__proto__', 'constructor', 'x');
    const given = fc.record({
      file: fc.dictionary(key, fc.oneof(scalar, fc.jsonValue({ maxDepth: 2 })), { maxKeys: 3 }),
      env: fc.dictionary(fc.constantFrom(...keyNames.map(environmentName), 'BERTH_X', 'PATH'), scalar, { maxKeys: 2 }),
      flags: fc.dictionary(fc.constantFrom(...keyNames.map(flagProperty), 'config'), scalar, { maxKeys: 2 }),
    });
    fuzz(given, ({ file, env, flags }) => {
      const text = JSON.stringify(file);
      const { value, error } = load(text, env, flags);
      if (value) expect(Object.isFrozen(value.config)).toBe(true);
      else expectOneLine(error, text);
    });
  });

  it('of any text is read or refused in one line', () => {
    const yaml = hostileText(
      'limits:',
      '\n',
      '  ',
      'manifestBytes: ',
      '4MiB',
      '- ',
      '&a ',
      '*a',
      '!!js/function ',
      '<<: ',
    ).map((text) => text.replaceAll('\\n', '\n'));
    fuzz(
      yaml,
      (text) => {
        const { error } = load(text);
        if (error !== undefined) expectOneLine(error, JSON.stringify(text));
      },
      1000,
    );
  });

  it.each([
    ['an alias of nothing', 'domain: *a'],
    ['an alias', 'limits: &a {indexDepth: 3}\nhttp: *a'],
    ['an alias of itself', 'limits: &a\n  indexDepth: *a'],
    [
      'a list of lists of lists',
      `a: &a [x]\n${'bcdefghij'
        .split('')
        .map((c, n) => `${c}: &${c} [${`*${'abcdefghi'[n]},`.repeat(9)}]`)
        .join('\n')}`,
    ],
    ['a merge key', 'limits: &a {indexDepth: 3}\nhttp:\n  <<: *a'],
    ['a tag of code', 'domain: !!js/function "function () { return 1 }"'],
    ['a tag of its own', 'domain: !include /etc/passwd'],
    ['a tag of binary', 'domain: !!binary aGVsbG8='],
    ['the key __proto__', '__proto__:\n  indexDepth: 3'],
    ['the key __proto__ in a section', 'limits:\n  __proto__: {indexDepth: 3}'],
    ['the key constructor', 'constructor: {prototype: {polluted: 1}}'],
    ['a key twice', 'domain: a.b\ndomain: c.d'],
    ['two documents', 'domain: a.b\n---\ndomain: c.d'],
    ['flow nested without end', 'a: '.concat('['.repeat(100_000))],
    ['blocks nested without end', '- '.repeat(20_000)],
    ['maps nested without end', '{a: '.repeat(5000)],
    ['a closed map nested deep', `${'{a: '.repeat(1000)}1${'}'.repeat(1000)}`],
    ['a key without end', `${'k'.repeat(1_000_000)}: 1`],
  ])('with %s is refused in one short line (S14)', (_, text) => {
    const { error } = load(text);
    expectOneLine(error, text.slice(0, 80));
    expect((error as Error).message.length).toBeLessThan(500);
    expect(
      ({} as Record<string, unknown>)['polluted'] ?? ({} as Record<string, unknown>)['indexDepth'],
    ).toBeUndefined();
  });

  it('takes linear time', () => {
    for (const unit of ['a: 1\n', '# x\n', ' ', '"', '- a\n']) {
      expectLinear((size) => unit.repeat(size / 16 / unit.length), load);
    }
  });
});
