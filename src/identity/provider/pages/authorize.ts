import { recorded } from '../attempt.ts';
import type { ProviderCall } from '../call.ts';
import { isLoopbackRedirect, publicClient } from '../clients.ts';
import { type Fields, parseFields, printable, readForm } from '../form.ts';
import { proveUser } from '../prove.ts';
import { OAuthRefusal, type RefusalKind } from '../refusal.ts';
import { readResource, readScopes } from '../scopes.ts';
import { clientInfo } from '../token-answer.ts';
import { markBrowser, markOf } from './browser.ts';
import { alert, credentialFields, hidden, html, sendPage } from './html.ts';

/** What a client asks at the authorization endpoint, checked; carried through the page under a seal. */
interface Asked {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly responseMode: ResponseMode;
  readonly scope: string;
  readonly resource: string;
  readonly challenge: string;
  readonly state: string;
  readonly nonce: string;
  readonly clientInfo: string;
}

type ResponseMode = 'query' | 'fragment' | 'form_post';

const purpose = 'authorize';
const maxTextLength = 4_000;
/** Whose refusal keeps the person at the page, to try again. */
const tryAgain: readonly RefusalKind[] = ['password-wrong', 'account-disabled', 'too-many-tries', 'parameter-missing'];

/** `GET` and `POST /{tenant}/oauth2/v2.0/authorize` (AZ-WIRE §2.1 A5; OpenID Connect Core §3.1.2; RFC 7636). */
export async function authorize(call: ProviderCall): Promise<void> {
  const { exchange, services } = call;
  const fields = exchange.method === 'POST' ? await readForm(exchange) : parseFields(exchange.query);
  // Before these two are known to be good, nothing leads anywhere.
  const client = readClient(fields);
  const redirectUri = readRedirect(fields);
  const state = fields.get('state') ?? '';
  let responseMode: ResponseMode = 'query';
  let asked: Asked;
  try {
    responseMode = readResponseMode(fields);
    asked = { clientId: client.id, redirectUri, responseMode, state, ...readRequest(call, fields) };
    if (fields.get('prompt') === 'none') {
      throw new OAuthRefusal('sign-in-needed', 'nobody stays signed in at this identity provider; show its page');
    }
  } catch (error) {
    if (!(error instanceof OAuthRefusal)) throw error;
    return answerClient(call, { redirectUri, responseMode }, errorFields(error, state));
  }
  const mark = markBrowser(exchange);
  const sealed = services.formSeal.seal(purpose, mark.value, { ...asked });
  showForm(call, asked, { sealed, username: printable(fields.get('login_hint') ?? ''), headers: mark.headers });
}

/** `POST /login`: what the page above sends. */
export async function signIn(call: ProviderCall): Promise<void> {
  const { exchange, services } = call;
  const fields = await readForm(exchange);
  const sealed = fields.get('state') ?? '';
  const asked = services.formSeal.open(purpose, markOf(exchange), sealed) as Asked | undefined;
  if (!asked) {
    throw new OAuthRefusal(
      'form-stale',
      'this page has waited too long, or its cookie is gone; begin again where you came from',
    );
  }
  const username = fields.get('username') ?? '';
  try {
    const code = await recorded(call, 'authorize', async (attempt) => {
      attempt.clientId = asked.clientId;
      attempt.resource = asked.resource;
      if (fields.get('action') === 'cancel')
        throw new OAuthRefusal('user-declined', 'the sign-in was declined on the page');
      const subject = await proveUser(call, attempt, fields.need('username'), fields.need('password'));
      const { clientId, redirectUri, scope, challenge } = asked;
      const nonce = asked.nonce === '' ? null : asked.nonce;
      const issued = await services.sessions.issueCode({ subject, clientId, redirectUri, scope, nonce, challenge });
      const info = asked.clientInfo === '1' ? { client_info: clientInfo(subject.objectId, services.tenantId) } : {};
      return { code: issued, ...info };
    });
    answerClient(call, asked, { ...code, ...(asked.state === '' ? {} : { state: asked.state }) });
  } catch (error) {
    if (!(error instanceof OAuthRefusal)) throw error;
    exchange.facts.error = error.kind;
    if (!tryAgain.includes(error.kind)) return answerClient(call, asked, errorFields(error, asked.state));
    showForm(call, asked, { sealed, username, refusal: error });
  }
}

/** `GET /{tenant}/oauth2/v2.0/logout`: there is nothing to end here, and nobody is led on. */
export async function logout({ exchange }: ProviderCall): Promise<void> {
  const body = html`<p>Nobody stays signed in at this identity provider. To end the sessions of your clients, sign out there, or ask an operator for <strong>berth user revoke</strong>.</p>`;
  sendPage(exchange, 'You are signed out', body);
}

function showForm(
  { exchange, services }: ProviderCall,
  asked: Asked,
  page: { sealed: string; username: string; headers?: Readonly<Record<string, string>>; refusal?: OAuthRefusal },
): void {
  const { refusal } = page;
  const body = html`<p><strong>${publicClient(asked.clientId)?.name ?? asked.clientId}</strong> on this machine asks to act as you at ${services.domain}. It may do whatever your roles allow.</p>
${alert(refusal ? sentence(refusal.message) : null)}
<form method="post" action="/login">
${hidden('state', page.sealed)}${credentialFields(page.username)}
<button type="submit" name="action" value="go">Sign in</button>
<button type="submit" name="action" value="cancel" formnovalidate>Cancel</button>
</form>`;
  const retryAfter = refusal?.retryAfterSeconds == null ? {} : { 'retry-after': refusal.retryAfterSeconds };
  sendPage(exchange, 'Sign in', body, {
    status: refusal?.status ?? 200,
    leadsTo: asked.redirectUri,
    headers: { ...page.headers, ...retryAfter },
  });
}

/** A message as people read it. */
export function sentence(message: string): string {
  return `${message.slice(0, 1).toUpperCase()}${message.slice(1)}.`;
}

function readClient(fields: Fields): { id: string } {
  const id = fields.need('client_id');
  const client = publicClient(id);
  if (client) return client;
  throw new OAuthRefusal(
    'client-unknown',
    `there is no client "${printable(id)}" that users sign in with; registered applications cannot do that yet`,
  );
}

function readRedirect(fields: Fields): string {
  const uri = fields.need('redirect_uri');
  if (isLoopbackRedirect(uri)) return uri;
  throw new OAuthRefusal(
    'redirect-unknown',
    `the redirect_uri "${printable(uri)}" is not one of this client: http://localhost and http://127.0.0.1 at any port, without a path`,
  );
}

function readResponseMode(fields: Fields): ResponseMode {
  const mode = fields.get('response_mode') ?? 'query';
  if (mode === 'query' || mode === 'fragment' || mode === 'form_post') return mode;
  throw new OAuthRefusal('request-malformed', 'response_mode is query, fragment or form_post');
}

function readRequest(
  call: ProviderCall,
  fields: Fields,
): Omit<Asked, 'clientId' | 'redirectUri' | 'responseMode' | 'state'> {
  const { domain } = call.services;
  for (const name of ['state', 'nonce', 'scope', 'resource']) {
    if ((fields.get(name) ?? '').length > maxTextLength) {
      throw new OAuthRefusal('request-malformed', `the field "${name}" is longer than ${maxTextLength} characters`);
    }
  }
  if (fields.need('response_type') !== 'code') {
    throw new OAuthRefusal('response-unsupported', 'response_type is code; nothing else is answered here');
  }
  const challenge = fields.get('code_challenge') ?? '';
  if (fields.get('code_challenge_method') !== 'S256' || !/^[\w-]{43}$/.test(challenge)) {
    throw new OAuthRefusal('challenge-missing', 'a code_challenge by S256 is needed (PKCE)');
  }
  const resource = fields.get('resource');
  const scopes =
    resource === undefined ? readScopes(fields.get('scope') ?? '', domain) : readResource(resource, domain);
  return {
    scope: scopes.text,
    resource: scopes.audience,
    challenge,
    nonce: fields.get('nonce') ?? '',
    clientInfo: fields.get('client_info') ?? '',
  };
}

function errorFields(error: OAuthRefusal, state: string): Record<string, string> {
  return {
    error: error.error,
    error_description: `AADSTS${error.number}: ${error.message}`,
    ...(state === '' ? {} : { state }),
  };
}

/** Leads the browser back to the client, in the way that the client asked for. */
function answerClient(
  { exchange }: ProviderCall,
  { redirectUri, responseMode }: Pick<Asked, 'redirectUri' | 'responseMode'>,
  fields: Readonly<Record<string, string>>,
): void {
  if (responseMode === 'form_post') {
    const inputs = Object.entries(fields).map(([name, value]) => hidden(name, value));
    const body = html`<form method="post" action="${redirectUri}">
${inputs}<button type="submit">Continue</button>
</form>`;
    return sendPage(exchange, 'Back to the application', body, { leadsTo: redirectUri, sendsItself: true });
  }
  const encoded = new URLSearchParams(fields).toString();
  exchange.send(303, {
    location: `${redirectUri}${responseMode === 'fragment' ? '#' : '?'}${encoded}`,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
  });
}
