// S13, scripts, redirects and forged requests through pages. Harbor showed Markdown of strangers (CVE-2025-32019) and led
// to wherever it was told (CVE-2024-22244); zot and Gitea had both. The pages here are those for signing in: what they do is
// in test/e2e/login-pages.test.ts, in Chromium in test/azure/pages.test.ts, their parsers in test/fuzz/login-forms.test.ts.
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { azureCli, type LoginClient, loginClient } from '../e2e/_login.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { fuzzAsync, hostileText } from '../fuzz/_fuzz.ts';

let berth: Berth;
let login: LoginClient;
beforeAll(async () => {
  berth = await startBerth();
  login = await loginClient(berth);
});
afterAll(() => berth[Symbol.asyncDispose]());

const marks = [
  '<script>alert(1)</script>',
  '"onload="x',
  "'><svg/onload=x>",
  '</style>',
  '{{7*7}}',
  '\r\nx-injected: 1',
];
const hostile = hostileText(...marks, 'http://localhost:1', 'https://evil.example', '//evil.example', '@evil.example');

/** Every answer of a page: no text of ours becomes markup, nothing leads away, and everything is kept out. */
function expectHarmless(answer: Awaited<ReturnType<LoginClient>>): void {
  const { location } = answer.headers;
  if (location !== undefined) expect(new URL(location).hostname).toMatch(/^(?:localhost|127\.0\.0\.1)$/);
  expect(answer.headers['x-injected']).toBeUndefined();
  if (!String(answer.headers['content-type']).startsWith('text/html')) return;
  expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
  expect(answer.headers['x-frame-options']).toBe('DENY');
  expect(answer.headers['cache-control']).toBe('no-store');
  // The one script of ours, on the page that leads back by a form; the policy knows it by its hash.
  const text = answer.text.replace('<script>document.forms[0].submit()</script>', '');
  const tags = [...text.matchAll(/<\/?([a-z0-9!]+)/g)].map(([, tag]) => tag);
  const ours = [
    '!doctype',
    'html',
    'head',
    'meta',
    'title',
    'style',
    'body',
    'main',
    'h1',
    'p',
    'strong',
    'form',
  ].concat(['input', 'label', 'button']);
  expect(tags.filter((tag) => !ours.includes(tag ?? ''))).toEqual([]);
  // Values are of our own making: none has closed its quotes.
  for (const [, attributes = ''] of text.matchAll(/<[a-z0-9]+([^>]*)>/g)) {
    expect(attributes.replaceAll(/ [a-z-]+="[^"]*"/g, '').trim()).toMatch(/^(?:required|formnovalidate|)$/);
  }
}

describe('pages (S13)', () => {
  it('take whatever a client asks as text, and lead to the machine of the client only', async () => {
    const fields = fc.record({
      redirect_uri: fc.oneof(hostile, fc.constant('http://localhost:8400')),
      state: hostile,
      scope: fc.oneof(hostile, fc.constant('openid')),
      login_hint: hostile,
      response_mode: fc.constantFrom('query', 'fragment', 'form_post', 'x'),
      client_id: fc.oneof(hostile, fc.constant(azureCli)),
    });
    await fuzzAsync(
      fields,
      async (asked) => {
        const query = new URLSearchParams({
          response_type: 'code',
          code_challenge: 'A'.repeat(43),
          code_challenge_method: 'S256',
          ...asked,
        });
        const answer = await login('GET', `/common/oauth2/v2.0/authorize?${query.toString()}`);
        expect(answer.status).toBeLessThan(500);
        expectHarmless(answer);
      },
      60,
    );
  });

  it('take whatever is typed into them as text', async () => {
    for (const path of ['/login', '/devicelogin']) {
      await fuzzAsync(
        fc.record({ state: hostile, username: hostile, password: hostile, code: hostile, action: hostile }),
        async (form) => {
          const answer = await login('POST', path, { form });
          expect(answer.status).toBe(400);
          expectHarmless(answer);
        },
        20,
      );
    }
  });

  it('keep what is typed into a form of theirs as text, too', async () => {
    const query = new URLSearchParams({
      client_id: azureCli,
      redirect_uri: 'http://localhost:8400',
      response_type: 'code',
      code_challenge: 'A'.repeat(43),
      code_challenge_method: 'S256',
    });
    const page = await login('GET', `/common/oauth2/v2.0/authorize?${query.toString()}`);
    const cookie = String(page.headers['set-cookie']).split(';')[0] ?? '';
    const state = /name="state" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    for (const username of marks) {
      const answer = await login('POST', '/login', {
        headers: { cookie },
        form: { state, username, password: 'x', action: 'go' },
      });
      expect([400, 429]).toContain(answer.status);
      expectHarmless(answer);
    }
  });
});
