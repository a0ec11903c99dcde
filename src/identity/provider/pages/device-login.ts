import { recorded } from '../attempt.ts';
import type { ProviderCall } from '../call.ts';
import { publicClient } from '../clients.ts';
import { type Fields, readForm } from '../form.ts';
import { proveUser } from '../prove.ts';
import { OAuthRefusal, type RefusalKind, tooManyTries } from '../refusal.ts';
import { readScopes } from '../scopes.ts';
import { sentence } from './authorize.ts';
import { markBrowser, markOf } from './browser.ts';
import { alert, credentialFields, hidden, html, sendPage } from './html.ts';

/** The two steps of the page; a form of one is no form of the other. */
const codeStep = 'device-code';
const confirmStep = 'device-confirm';
const tryAgain: readonly RefusalKind[] = ['password-wrong', 'account-disabled', 'too-many-tries', 'parameter-missing'];
const endsTitle = 'Sign in a device';

/** `GET /devicelogin` (RFC 8628 §3.3). The code is typed, never taken from an address, which somebody may have sent. */
export async function deviceLogin(call: ProviderCall): Promise<void> {
  const mark = markBrowser(call.exchange);
  askCode(call, { sealed: call.services.formSeal.seal(codeStep, mark.value, {}), headers: mark.headers });
}

/** `POST /devicelogin`: the code, then who it is. */
export async function deviceConfirm(call: ProviderCall): Promise<void> {
  const { exchange, services } = call;
  const fields = await readForm(exchange);
  const mark = markOf(exchange);
  const sealed = fields.get('state') ?? '';
  const confirming = services.formSeal.open(confirmStep, mark, sealed);
  if (confirming) return confirm(call, fields, sealed, confirming['code'] ?? '');
  if (!services.formSeal.open(codeStep, mark, sealed)) {
    throw new OAuthRefusal('form-stale', 'this page has waited too long, or its cookie is gone; open it again');
  }
  const counted = services.backOff.count('user-code', exchange.address);
  if (!counted.allowed) return askCode(call, { sealed, refusal: tooManyTries(counted.retryAfterSeconds) });
  const code = fields.get('code') ?? '';
  const waiting = await services.sessions.waitingDevice(code);
  if (!waiting) {
    const refusal = new OAuthRefusal(
      'device-expired',
      'no device waits under this code; look at it again, or have a new one made',
    );
    return askCode(call, { sealed, refusal });
  }
  counted.succeeded();
  askWho(call, {
    sealed: services.formSeal.seal(confirmStep, mark, { code }),
    code,
    clientId: waiting.clientId,
    username: '',
  });
}

async function confirm(call: ProviderCall, fields: Fields, sealed: string, code: string): Promise<void> {
  const { exchange, services } = call;
  const { sessions } = services;
  const waiting = await sessions.waitingDevice(code);
  if (!waiting) return over(call);
  const username = fields.get('username') ?? '';
  try {
    await recorded(call, 'device_page', async (attempt) => {
      attempt.clientId = waiting.clientId;
      attempt.resource = readScopes(waiting.scope, services.domain).audience;
      if (fields.get('action') === 'cancel') {
        await sessions.decideDevice(code, null);
        throw new OAuthRefusal('user-declined', 'the sign-in was declined on the page');
      }
      const subject = await proveUser(call, attempt, fields.need('username'), fields.need('password'));
      if (!(await sessions.decideDevice(code, subject))) {
        throw new OAuthRefusal('device-expired', 'nothing waits under this code any more');
      }
    });
    const name = publicClient(waiting.clientId)?.name ?? waiting.clientId;
    sendPage(
      exchange,
      endsTitle,
      html`<p><strong>${name}</strong> is signed in on your device. You may close this window.</p>`,
    );
  } catch (error) {
    if (!(error instanceof OAuthRefusal)) throw error;
    exchange.facts.error = error.kind;
    if (error.kind === 'user-declined') {
      sendPage(exchange, endsTitle, html`<p>The device was not signed in. You may close this window.</p>`);
      return;
    }
    if (error.kind === 'device-expired') return over(call);
    if (!tryAgain.includes(error.kind)) throw error;
    askWho(call, { sealed, code, clientId: waiting.clientId, username, refusal: error });
  }
}

function over({ exchange }: ProviderCall): void {
  const body = html`<p role="alert">Nothing waits under this code any more. Begin again on the device.</p>`;
  sendPage(exchange, endsTitle, body, { status: 400 });
}

function askCode(
  { exchange }: ProviderCall,
  page: { sealed: string; headers?: Readonly<Record<string, string>>; refusal?: OAuthRefusal },
): void {
  const { refusal } = page;
  if (refusal) exchange.facts.error = refusal.kind;
  const body = html`${alert(refusal ? sentence(refusal.message) : null)}
<form method="post" action="/devicelogin">
${hidden('state', page.sealed)}<label for="code">Code that your device shows</label>
<input id="code" name="code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" required maxlength="20">
<button type="submit" name="action" value="go">Next</button>
</form>`;
  sendPage(exchange, endsTitle, body, {
    status: refusal?.status ?? 200,
    headers: { ...page.headers, ...retry(refusal) },
  });
}

function askWho(
  { exchange, services }: ProviderCall,
  page: { sealed: string; code: string; clientId: string; username: string; refusal?: OAuthRefusal },
): void {
  const { refusal } = page;
  const name = publicClient(page.clientId)?.name ?? page.clientId;
  const body = html`<p>The device with the code <strong>${page.code.slice(0, 20)}</strong> says that it is <strong>${name}</strong>. Signed in, it acts as you at ${services.domain} and may do whatever your roles allow.</p>
<p>Go on only if you began this yourself, on a device of yours, just now. If somebody sent you the code, decline: they would be signed in as you.</p>
${alert(refusal ? sentence(refusal.message) : null)}
<form method="post" action="/devicelogin">
${hidden('state', page.sealed)}${credentialFields(page.username)}
<button type="submit" name="action" value="go">Sign in the device</button>
<button type="submit" name="action" value="cancel" formnovalidate>Decline</button>
</form>`;
  sendPage(exchange, endsTitle, body, { status: refusal?.status ?? 200, headers: retry(refusal) });
}

function retry(refusal: OAuthRefusal | undefined): Readonly<Record<string, number>> {
  return refusal?.retryAfterSeconds == null ? {} : { 'retry-after': refusal.retryAfterSeconds };
}
