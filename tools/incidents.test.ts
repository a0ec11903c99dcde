import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from './steps.ts';

/** The classes of incidents of other registries that a registry without builder and outbound calls can have. */
const classes = [1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 24, 26];

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8');
const files = readdirSync(join(projectRoot, 'test/incidents')).filter((name) => name.endsWith('.test.ts'));
const table = read('docs/incidents.md');

/** Every source that runs in the product, with its text. */
const sources = readdirSync(join(projectRoot, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !/\.(?:test|contract)\.ts$|(?:^|\/)_/.test(name))
  .map((name) => ({ name: `src/${name}`, lines: read(`src/${name}`).split('\n') }));

/** Lines of the product that match, as `file:line text`. */
function linesLike(pattern: RegExp): string[] {
  return sources.flatMap(({ name, lines }) =>
    lines.flatMap((line, index) => (pattern.test(line) ? [`${name}:${index + 1} ${line.trim()}`] : [])),
  );
}

describe('docs/incidents.md', () => {
  it.each(classes)('has a row for S%i, and a file of tests that it names', (number) => {
    const name = `s${String(number).padStart(2, '0')}-`;
    const [file, ...others] = files.filter((one) => one.startsWith(name));
    expect(others).toEqual([]);
    expect(file, `test/incidents/${name}*.test.ts`).toBeDefined();
    const row = table.split('\n').find((line) => line.startsWith(`| S${number} `));
    expect(row, `S${number}`).toContain(`test/incidents/${file}`);
    expect(read(`test/incidents/${file}`)).toMatch(new RegExp(`^// S${number}, `));
  });

  it('names files only that are there', () => {
    for (const [, path = ''] of table.matchAll(/`((?:src|test|tools)\/[^`]+\.ts)`/g)) {
      expect(() => read(path), path).not.toThrow();
    }
  });

  it('names every file of test/incidents', () => {
    for (const file of files) expect(table).toContain(`test/incidents/${file}`);
  });
});

describe('the source', () => {
  const secretName = String.raw`(?:\w*(?:[sS]ecret|[pP]assword|[hH]ash|[sS]ignature|[mM]ac|[aA]pi[kK]ey|[tT]oken|[bB]earer))\b`;
  const operator = String.raw`\s*(?:===?|!==?)\s*`;

  it('compares no secret with an operator, which stops at the first byte that differs (S19)', () => {
    const left = new RegExp(String.raw`${secretName}${operator}(?!=|\s|undefined|null|''|\d|true|false)`);
    const right = new RegExp(String.raw`${operator}(?:\w+\.)*${secretName}`);
    const other = new RegExp(String.raw`${secretName}\.(?:localeCompare|equals|startsWith|endsWith|includes)\(`);
    // Words of a protocol, kinds and user names, not values that prove anything.
    const harmless = [
      /'(?:refresh_token|access_token|password|password2?|token|admin|oauth2\.token)'/,
      /tokenUserName/,
      /typeof /,
      /kind === /,
    ];
    const found = [left, right, other].flatMap(linesLike).filter((line) => !harmless.some((one) => one.test(line)));
    expect(found).toEqual([]);
    // The patterns find what they are for.
    expect('if (row.password === given) {').toMatch(left);
    expect('return given !== row.hash;').toMatch(right);
    expect('token.startsWith(given)').toMatch(other);
  });

  it('compares secrets in one place, in constant time (S19)', () => {
    expect(linesLike(/timingSafeEqual\(/).map((line) => line.split(':')[0])).toEqual(['src/kernel/same-secret.ts']);
  });

  it('has no way to leave a certificate unverified, or TLS below 1.2 (S24)', () => {
    const loose =
      /rejectUnauthorized|NODE_TLS_REJECT_UNAUTHORIZED|checkServerIdentity|insecureSkip|SECLEVEL=0|TLSv1(?:\.1)?['"]|SSLv[23]|allowHalfTrust|verify:\s*false/;
    expect(linesLike(loose)).toEqual([]);
    expect(linesLike(/minVersion: 'TLSv1\.[23]'/).length).toBeGreaterThan(0);
    expect(linesLike(/insecureHTTPParser/)).toEqual([]);
  });

  it('has no switch among its settings that turns a protection off (S24)', () => {
    const config = sources.find(({ name }) => name === 'src/main/config-schema.ts');
    expect(config?.lines.join('\n')).not.toMatch(/insecure|skipVerif|disableTls|noVerify|trustAll/i);
  });

  it('makes no pattern out of text that is not its own, and runs no text (S12, S14)', () => {
    const found = linesLike(/new RegExp\(|\beval\(|new Function\(|node:vm'|\.unsafe\(|sql\.raw\(/);
    expect(found).toEqual([]);
  });
});
