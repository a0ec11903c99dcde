export {
  isRepositoryAction,
  listingActions,
  type RegistryAction,
  type RepositoryAction,
  repositoryActions,
} from './actions.ts';
export { type Authenticator, authenticator, type Credential, tokenUserName } from './authenticate.ts';
export {
  type Credentials,
  credentialService,
  type ShownCredentials,
  type ShownPassword,
  type TokenSummary,
} from './credentials.ts';
export { type Decision, decide, type Wanted } from './decide.ts';
export { explainDenial, missingCredential } from './explain.ts';
export { type AskedScope, grantAccess } from './grant-access.ts';
export { type NameRange, visibleRanges } from './grants.ts';
export { type AccessEntry, identityOf, type Principal, type RegistryAccess, rightsOn } from './principal.ts';
export { loadSigningKeys, type SigningKeys } from './signing-keys.ts';
export { type TokenService, tokenService } from './token-service.ts';
export { transactions, transactionsUrl } from './transactions.ts';
