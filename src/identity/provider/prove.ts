import { Fault, parseAuthorization } from '../../kernel/index.ts';
import type { Subject } from '../directory/directory.ts';
import type { Attempt } from './attempt.ts';
import type { ProviderCall } from './call.ts';
import { type PublicClient, publicClient } from './clients.ts';
import { type Fields, printable } from './form.ts';
import { OAuthRefusal, tooManyTries } from './refusal.ts';

/** Proves a user by password, at the pages and for ROPC. Throws an OAuthRefusal; it takes as long for an unknown name. */
export async function proveUser(
  call: ProviderCall,
  attempt: Attempt,
  username: string,
  password: string,
): Promise<Subject> {
  const { accounts, backOff, signIns } = call.services;
  const { address } = call.exchange;
  let isKnown: boolean | undefined;
  const signsInFromHere = async (): Promise<boolean> => {
    const known = await accounts.named(username);
    isKnown = known !== null && (await signIns.lately(known.objectId, address));
    return isKnown;
  };
  const name = username.includes('@') ? username : `${username}@${call.services.domain}`;
  const attempted = await backOff.begin({ account: name, address }, signsInFromHere);
  if (!attempted.allowed) {
    attempt.principal = await accounts.named(username);
    throw tooManyTries(attempted.retryAfterSeconds);
  }
  isKnown ??= await signsInFromHere();
  const outcome = await accounts.byPassword(username, password, { favoured: isKnown });
  attempt.principal = outcome.known;
  if (outcome.subject) {
    attempted.succeeded();
    return outcome.subject;
  }
  if (outcome.disabled) {
    throw new OAuthRefusal('account-disabled', 'this account is disabled; an operator can enable it again');
  }
  throw new OAuthRefusal('password-wrong', 'user name or password is wrong');
}

/** Proves an application by its secret, from the form or from Basic (RFC 6749 §2.3.1). Throws an OAuthRefusal. */
export async function proveApplication(call: ProviderCall, attempt: Attempt, fields: Fields): Promise<Subject> {
  const { directory, backOff, signIns } = call.services;
  const { address } = call.exchange;
  refuseAssertion(fields);
  const { id, secret } = clientOf(call, fields);
  attempt.clientId = id;
  if (publicClient(id)) {
    throw new OAuthRefusal('client-public', 'this client is public and has no secret; sign in as a user with it');
  }
  if (secret === undefined) {
    throw new OAuthRefusal('secret-missing', 'the field "client_secret" is missing');
  }
  const isKnown = async (): Promise<boolean> => {
    const known = await directory.application(id);
    return known !== null && signIns.lately(known.objectId, address);
  };
  const attempted = await backOff.begin({ account: id, address }, isKnown);
  const subject = attempted.allowed ? await directory.bySecret(id, secret) : undefined;
  attempt.principal = subject ?? (await directory.application(id));
  if (!attempted.allowed) throw tooManyTries(attempted.retryAfterSeconds);
  if (!subject) {
    throw new OAuthRefusal(
      'secret-wrong',
      'there is no application with this id and this secret here; the secret may be wrong, or its time is over',
    );
  }
  attempted.succeeded();
  return subject;
}

/** The public client of a request for a user. Throws an OAuthRefusal. */
export function needPublicClient(call: ProviderCall, attempt: Attempt, fields: Fields): PublicClient {
  refuseAssertion(fields);
  const { id, secret } = clientOf(call, fields);
  const client = publicClient(id);
  if (!client) {
    throw new OAuthRefusal(
      'client-unknown',
      `there is no client "${printable(id)}" that users sign in with; registered applications cannot do that yet`,
    );
  }
  attempt.clientId = client.id;
  if (secret !== undefined) throw new OAuthRefusal('client-public', 'this client is public; send no client_secret');
  return client;
}

function refuseAssertion(fields: Fields): void {
  if (fields.get('client_assertion') === undefined && fields.get('client_assertion_type') === undefined) return;
  throw new OAuthRefusal(
    'assertion-unsupported',
    'signing in with a certificate or a federated token is not there yet; use a client secret',
  );
}

function clientOf(call: ProviderCall, fields: Fields): { id: string; secret: string | undefined } {
  const inForm = { id: fields.get('client_id'), secret: fields.get('client_secret') };
  const header = call.exchange.header('authorization');
  if (header === undefined) return { id: fields.need('client_id'), secret: inForm.secret };
  const basic = readBasic(header);
  if (inForm.secret !== undefined) {
    throw new OAuthRefusal('request-malformed', 'send the secret of the client once, in the form or in the header');
  }
  if (inForm.id !== undefined && inForm.id !== basic.id) {
    throw new OAuthRefusal('request-malformed', 'form and header name different clients');
  }
  return basic;
}

function readBasic(header: string): { id: string; secret: string } {
  const malformed = (): OAuthRefusal =>
    new OAuthRefusal('request-malformed', 'the Authorization header is not that of a client: Basic, id and secret');
  try {
    const credential = parseAuthorization(header);
    if (credential.scheme !== 'basic') throw malformed();
    // Both are in the encoding of forms (RFC 6749 §2.3.1), which many clients leave out; it shows in what they send.
    const decode = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));
    return { id: decode(credential.username), secret: decode(credential.password) };
  } catch (error) {
    if (error instanceof Fault || error instanceof URIError) throw malformed();
    throw error;
  }
}
