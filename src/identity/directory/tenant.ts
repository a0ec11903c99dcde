/** Names that stand for the tenant of whoever signs in. */
const general: ReadonlySet<string> = new Set(['common', 'organizations']);

/**
 * True when `text` names the one tenant that there is: by its id, by a general name, or by the domain or a name below it
 * (AZ-WIRE §1.3).
 */
export function isTenant(text: string, tenant: { readonly tenantId: string; readonly domain: string }): boolean {
  const name = text.toLowerCase();
  const { tenantId, domain } = tenant;
  return name === tenantId.toLowerCase() || general.has(name) || name === domain || name.endsWith(`.${domain}`);
}
