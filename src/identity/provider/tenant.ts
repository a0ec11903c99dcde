import { printable } from './form.ts';
import { OAuthRefusal } from './refusal.ts';

/** The tenant as a path names it: there is one, with several names. */
export interface TenantPath {
  /** As it was written, for the addresses that the client is told next. */
  readonly segment: string;
  /** The form without tenant, whose clients ask for no realm and no other instance (AZ-WIRE §1.3). */
  readonly adfs: boolean;
}

/** Reads the first segment of a path. Throws `tenant-unknown`. */
export function readTenant(segment: string, of: { tenantId: string; domain: string }): TenantPath {
  const name = segment.toLowerCase();
  const names = [of.tenantId, of.domain, 'common', 'organizations', 'adfs'];
  if (!names.includes(name)) {
    throw new OAuthRefusal(
      'tenant-unknown',
      `there is no tenant "${printable(segment)}" here; use ${of.tenantId}, ${of.domain}, organizations or common`,
    );
  }
  return { segment, adfs: name === 'adfs' };
}
