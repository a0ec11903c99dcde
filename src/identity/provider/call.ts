import type { Exchange } from '../../http/index.ts';
import type { Clock, PlaneUrls } from '../../kernel/index.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Directory } from '../directory/directory.ts';
import type { DirectoryTokens } from '../directory/directory-tokens.ts';
import type { BackOff } from '../sessions/back-off.ts';
import type { SignInSessions } from '../sessions/sessions.ts';
import type { SignIns } from '../sessions/sign-ins.ts';
import type { FormSeal } from './form-seal.ts';
import type { TenantPath } from './tenant.ts';

/** What the identity provider works with. */
export interface ProviderServices {
  readonly domain: string;
  readonly tenantId: string;
  readonly clock: Clock;
  readonly directory: Directory;
  readonly tokens: DirectoryTokens;
  readonly accounts: Accounts;
  readonly sessions: SignInSessions;
  readonly signIns: SignIns;
  readonly backOff: BackOff;
  readonly formSeal: FormSeal;
}

/** One request to the identity provider. */
export interface ProviderCall {
  readonly exchange: Exchange;
  readonly services: ProviderServices;
  readonly tenant: TenantPath;
  readonly urls: PlaneUrls;
  /** Where the client reached the provider, without slash at the end. */
  readonly base: string;
  /** Id of the client's own for this request, or ours. */
  readonly correlationId: string;
}
