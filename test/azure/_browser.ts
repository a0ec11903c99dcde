import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Credentials } from '../clients/_registry-api.ts';
import type { World } from '../clients/_world.ts';

/** As much of a browser as a page with forms needs: it keeps cookies, follows redirects, and resolves names to this machine. */
export interface Browser {
  /** Opens the page for codes, and answers what its forms ask until they ask no more. */
  signInWithCode(page: string, code: string, person: Credentials): Promise<string>;
}

interface Page {
  readonly url: URL;
  readonly status: number;
  readonly html: string;
}

/** Pages that a sign-in may have at most. */
const maxPages = 8;

export function openBrowser(world: World): Browser {
  const port = Number(new URL(`https://${world.tlsServer}`).port);
  const ca = readFileSync(world.caFile);
  const cookies = new Map<string, string>();

  async function load(url: URL, form?: URLSearchParams): Promise<Page> {
    const asked = request({
      host: '127.0.0.1',
      port,
      servername: url.hostname,
      ca,
      path: `${url.pathname}${url.search}`,
      method: form === undefined ? 'GET' : 'POST',
      headers: {
        host: url.host,
        accept: 'text/html',
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(form === undefined
          ? {}
          : {
              'content-type': 'application/x-www-form-urlencoded',
              origin: url.origin,
              'sec-fetch-site': 'same-origin',
            }),
      },
    });
    asked.end(form?.toString());
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      asked.on('response', resolve);
      asked.on('error', reject);
    });
    for (const line of response.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const html = await text(response);
    const { location } = response.headers;
    if (location !== undefined && [301, 302, 303].includes(response.statusCode ?? 0))
      return load(new URL(location, url));
    return { url, status: response.statusCode ?? 0, html };
  }

  return {
    async signInWithCode(address, code, person) {
      let page = await load(new URL(address));
      for (let n = 0; n < maxPages; n++) {
        if (page.status >= 400) throw new Error(`${page.url.href}: ${page.status}\n${page.html}`);
        const form = formOf(page);
        if (form === undefined) return page.html;
        page = await load(form.action, fillIn(form.fields, { code, ...person }));
      }
      throw new Error(`${page.url.href} still has a form after ${maxPages} pages\n${page.html}`);
    },
  };
}

interface Field {
  readonly name: string;
  readonly type: string;
  readonly value: string;
}

function formOf(page: Page): { action: URL; fields: readonly Field[] } | undefined {
  const [whole = '', attributes = ''] = /<form([^>]*)>[^]*?<\/form>/.exec(page.html) ?? [];
  if (whole === '') return undefined;
  const fields = [...whole.matchAll(/<(?:input|button)([^>]*)>/g)].map(([, inside = '']) => ({
    name: attribute(inside, 'name'),
    type: attribute(inside, 'type'),
    value: attribute(inside, 'value'),
  }));
  return { action: new URL(attribute(attributes, 'action') || page.url.href, page.url), fields };
}

function fillIn(fields: readonly Field[], answers: Credentials & { readonly code: string }): URLSearchParams {
  const form = new URLSearchParams();
  let pressed = false;
  for (const { name, type, value } of fields) {
    if (name === '') continue;
    if (type === 'submit' || type === '') {
      // The first button is the one that goes on.
      if (!pressed) form.set(name, value);
      pressed = true;
    } else if (type === 'password') form.set(name, answers.password);
    else if (type === 'hidden' || value !== '') form.set(name, value);
    else form.set(name, /code/i.test(name) ? answers.code : answers.username);
  }
  return form;
}

function attribute(inside: string, name: string): string {
  const found = new RegExp(String.raw`\b${name}="([^"]*)"`).exec(inside)?.[1] ?? '';
  return found
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
