export { type Accounts, accounts, type ShownUser, type UserSummary } from './accounts/accounts.ts';
export { type PasswordHasher, passwordHasher } from './accounts/password-hash.ts';
export {
  isRepositoryAction,
  type RegistryAction,
  type RepositoryAction,
  repositoryActions,
} from './actions.ts';
export type { SecretOwner } from './applications/application-store.ts';
export {
  type Application,
  type Applications,
  applications,
  type NamedPage,
  type NameFilter,
  type SecretSummary,
  type SecretTerms,
  type ServicePrincipal,
} from './applications/applications.ts';
export { type Authenticator, authenticator, type Credential, tokenUserName } from './authenticate.ts';
export {
  type Credentials,
  credentialService,
  type ShownCredentials,
  type ShownPassword,
  type TokenSummary,
} from './credentials.ts';
export { type DataWanted, type Decision, decide, type ResourceAction, type Wanted } from './decide.ts';
export {
  type Directory,
  directory,
  nameOf,
  type SecretJudgement,
  type Subject,
  type SubjectClaims,
} from './directory/directory.ts';
export {
  type DirectoryClaims,
  type DirectoryResource,
  type DirectoryTokens,
  directoryTokens,
} from './directory/directory-tokens.ts';
export {
  createManagedIdentity,
  forgetAssignmentsWithin,
  type NewManagedIdentity,
  removeManagedIdentity,
} from './directory/managed-identities.ts';
export { type People, type Person, people } from './directory/people.ts';
export type { DirectoryAccess } from './directory/registry-sign-in.ts';
export { isTenant } from './directory/tenant.ts';
export { explainDenial, missingCredential } from './explain.ts';
export { type AskedScope, grantAccess } from './grant-access.ts';
export type { NameRange } from './grants.ts';
export { type IdentityProviderOptions, openIdentityProvider } from './open-provider.ts';
export {
  type AccessEntry,
  identityOf,
  listedRanges,
  type Principal,
  type RegistryAccess,
  rightsOn,
} from './principal.ts';
export { type AssignOutcome, forgetAssignmentsOf, type NewAssignment } from './roles/assignment-transactions.ts';
export {
  type AssignmentQuery,
  type RoleAssignment,
  type RoleAssignments,
  roleAssignments,
} from './roles/assignments.ts';
export { builtInRoles, type Role, roleById } from './roles/built-in-roles.ts';
export { noRoles, permits, type RoleGrant } from './roles/permits.ts';
export { type SignInSessions, signInSessions } from './sessions/sessions.ts';
export type { SignIn } from './sessions/sign-in-transactions.ts';
export { type SignIns, signIns } from './sessions/sign-ins.ts';
export { loadSigningKeys, type SigningKeyOptions, type SigningKeys } from './signing-keys.ts';
export { countTokens, type TokenCounts, tokensBeyond } from './token-caps.ts';
export { type TokenService, tokenService } from './token-service.ts';
export { transactions, transactionsUrl } from './transactions.ts';
