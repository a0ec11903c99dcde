/** Names that stand for the one tenant, whoever signs in; the last is what clients say that know none. */
const general: ReadonlySet<string> = new Set(['common', 'organizations', 'adfs']);

/** True when `text` names the one tenant that there is: by its id, by the domain or by a general name (AZ-WIRE §1.3). */
export function isTenant(text: string, tenant: { readonly tenantId: string; readonly domain: string }): boolean {
  const name = text.toLowerCase();
  return name === tenant.tenantId || name === tenant.domain || general.has(name);
}
