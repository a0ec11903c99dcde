import { createHash } from 'node:crypto';
import type { AnswerHeaders, Exchange } from '../../../http/index.ts';

/** Text that is HTML already; everything else that goes into a template is escaped. */
export interface Html {
  readonly html: string;
}

/** A template of HTML: every value is escaped, unless it is `Html` or a list of such. */
export function html(parts: TemplateStringsArray, ...values: readonly (string | Html | readonly Html[])[]): Html {
  return { html: parts.map((part, index) => part + written(values[index] ?? '')).join('') };
}

function written(value: string | Html | readonly Html[]): string {
  if (typeof value === 'string') return escapeHtml(value);
  return 'html' in value ? value.html : value.map((one) => one.html).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand in an element or in an attribute within quotes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}

const style = `
:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:10vh auto;padding:0 1.25rem}
h1{font-size:1.4rem;line-height:1.2}
label{display:block;margin-top:1rem;font-weight:600}
input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;margin-top:.25rem;border:1px solid GrayText;border-radius:.3rem}
button{font:inherit;padding:.5rem 1rem;margin:1.25rem .5rem 0 0;border:1px solid GrayText;border-radius:.3rem;cursor:pointer}
button[value=go]{font-weight:600}
:focus-visible{outline:3px solid Highlight;outline-offset:2px}
[role=alert]{border-left:.3rem solid #c00;padding:.25rem .75rem}
strong{overflow-wrap:anywhere}
`;
const sendItself = 'document.forms[0].submit()';
const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const styleHash = hashOf(style);
const scriptHash = hashOf(sendItself);

/** What a page may do beyond showing itself. */
export interface PageOptions {
  readonly status?: number;
  readonly headers?: AnswerHeaders;
  /** Where its form leads in the end, besides to this host: browsers hold redirects against it, too. */
  readonly leadsTo?: string;
  /** The first form sends itself where scripts run; its button is for where they do not. */
  readonly sendsItself?: boolean;
}

/** Sends a page: nothing is loaded, nothing framed, nothing kept, and no form leads elsewhere. */
export function sendPage(exchange: Exchange, title: string, body: Html, options: PageOptions = {}): void {
  const { status = 200, headers = {}, leadsTo, sendsItself = false } = options;
  const formAction = leadsTo === undefined ? "'self'" : `'self' ${new URL(leadsTo).origin}`;
  const policy = [
    "default-src 'none'",
    `style-src ${styleHash}`,
    ...(sendsItself ? [`script-src ${scriptHash}`] : []),
    `form-action ${formAction}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ];
  const script: Html = { html: sendsItself ? `<script>${sendItself}</script>` : '' };
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title>
<style>${{ html: style }}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
${script}
</body>
</html>
`;
  exchange.send(
    status,
    {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy.join('; '),
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      ...headers,
    },
    page.html,
  );
}

/** What went wrong, read out by screen readers as soon as it is there; nothing for null. */
export function alert(message: string | null): Html {
  return message === null ? { html: '' } : html`<p role="alert">${message}</p>`;
}

/** Fields for name and password, as password managers know them. */
export function credentialFields(username: string): Html {
  return html`<label for="username">User name</label>
<input id="username" name="username" type="text" value="${username}" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="113">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="256">`;
}

/** A field that goes along unseen. */
export function hidden(name: string, value: string): Html {
  return html`<input type="hidden" name="${name}" value="${value}">
`;
}
