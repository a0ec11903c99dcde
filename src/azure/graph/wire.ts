import type { Application, Person, SecretSummary, ServicePrincipal } from '../../identity/index.ts';

/** A secret as lists show it; `secretText` is null but for the one answer that makes it. */
export function wirePassword(secret: SecretSummary, secretText: string | null = null): Record<string, unknown> {
  return {
    customKeyIdentifier: null,
    displayName: secret.displayName === '' ? null : secret.displayName,
    endDateTime: wireTime(secret.endMs),
    hint: secret.hint,
    keyId: secret.keyId,
    secretText,
    startDateTime: wireTime(secret.startMs),
  };
}

/** An application. Password and key lists are there even when they are empty (AZ-WIRE T-GRAPH-2). */
export function wireApplication(application: Application): Record<string, unknown> {
  return {
    '@odata.type': '#microsoft.graph.application',
    id: application.objectId,
    appId: application.appId,
    createdDateTime: wireTime(application.createdMs),
    deletedDateTime: null,
    displayName: application.displayName,
    identifierUris: [],
    keyCredentials: [],
    passwordCredentials: application.secrets.map((secret) => wirePassword(secret)),
    // az ad app permission reads it without asking whether it is there.
    requiredResourceAccess: [],
    signInAudience: 'AzureADMyOrg',
  };
}

/** A service principal of an application or of a resource. */
export function wireServicePrincipal(principal: ServicePrincipal, tenantId: string): Record<string, unknown> {
  return {
    '@odata.type': '#microsoft.graph.servicePrincipal',
    id: principal.objectId,
    accountEnabled: principal.enabled,
    alternativeNames: principal.resourceKey === null ? [] : [principal.resourceKey],
    appDisplayName: principal.displayName,
    appId: principal.appId,
    appOwnerOrganizationId: tenantId,
    createdDateTime: wireTime(principal.createdMs),
    deletedDateTime: null,
    displayName: principal.displayName,
    keyCredentials: [],
    passwordCredentials: principal.secrets.map((secret) => wirePassword(secret)),
    servicePrincipalNames: [principal.appId],
    servicePrincipalType: principal.kind,
  };
}

/** A user. */
export function wireUser(person: Person): Record<string, unknown> {
  return {
    '@odata.type': '#microsoft.graph.user',
    id: person.objectId,
    accountEnabled: person.enabled,
    businessPhones: [],
    createdDateTime: wireTime(person.createdMs),
    displayName: person.displayName,
    givenName: null,
    jobTitle: null,
    mail: null,
    mobilePhone: null,
    officeLocation: null,
    preferredLanguage: null,
    surname: null,
    userPrincipalName: person.name,
  };
}

/** Seconds and `Z`, as Graph writes times. */
function wireTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
