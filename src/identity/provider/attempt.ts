import { isFault } from '../../kernel/index.ts';
import { TooManyWaiting } from '../accounts/password-hash.ts';
import type { Subject } from '../directory/directory.ts';
import type { SignIn } from '../sessions/sign-in-transactions.ts';
import type { ProviderCall } from './call.ts';
import { publicClient } from './clients.ts';
import { printable } from './form.ts';
import { OAuthRefusal, type RefusalKind, tooManyTries } from './refusal.ts';

/** What is learned of one try to sign in on its way, for the record of sign-ins. */
export interface Attempt {
  flow: string;
  /** Only of somebody who is there: what nobody has may be a password in the wrong field. */
  principal: Pick<Subject, 'objectId' | 'name'> | null;
  clientId: string;
  resource: string;
}

const maxUserAgent = 200;
/** How long the line of password hashes takes to become shorter. */
const waitingSeconds = 10;
/** A device that asks again is no new try. */
const unrecorded: readonly RefusalKind[] = ['device-pending', 'device-slow'];

/**
 * Runs one try to sign in and has it recorded: a success before anybody hears of it, a refusal soon after. Every refusal
 * that comes out is an OAuthRefusal.
 */
export async function recorded<T>(
  call: ProviderCall,
  flow: string,
  work: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const attempt: Attempt = { flow, principal: null, clientId: '', resource: '' };
  const { facts } = call.exchange;
  let result: T;
  try {
    result = await work(attempt);
  } catch (error) {
    const refusal = asRefusal(error);
    if (refusal === undefined) throw error;
    facts.actor = attempt.principal?.name ?? '';
    if (!unrecorded.includes(refusal.kind)) {
      call.services.signIns.refused(signInOf(call, attempt, `${refusal.number} ${refusal.kind}`));
    }
    throw refusal;
  }
  facts.actor = attempt.principal?.name ?? '';
  await call.services.signIns.succeeded(signInOf(call, attempt, ''));
  return result;
}

/** What is expected, as the wire says it; undefined for a bug. */
export function asRefusal(error: unknown): OAuthRefusal | undefined {
  if (error instanceof OAuthRefusal) return error;
  if (error instanceof TooManyWaiting) return tooManyTries(waitingSeconds);
  if (isFault(error, 'too-many-requests')) return tooManyTries(waitingSeconds);
  if (isFault(error, 'request-invalid')) return new OAuthRefusal('request-malformed', error.message, { cause: error });
  if (isFault(error, 'unauthenticated')) return new OAuthRefusal('account-gone', error.message, { cause: error });
  return undefined;
}

function signInOf({ exchange, services }: ProviderCall, attempt: Attempt, error: string): SignIn {
  return {
    at: services.clock.now(),
    requestId: exchange.requestId,
    flow: attempt.flow,
    principalId: attempt.principal?.objectId ?? '',
    principal: attempt.principal?.name ?? '',
    // A service principal that has signed in is its own client.
    clientId: publicClient(attempt.clientId)?.id ?? (error === '' ? attempt.clientId : ''),
    resource: attempt.resource,
    error,
    address: exchange.address,
    userAgent: printable(exchange.header('user-agent') ?? '', maxUserAgent),
  };
}
