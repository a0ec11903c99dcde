import { Fault } from './fault.ts';

/** A keyset page as asked for: at most `limit` items after `last` (exclusive). */
export interface Page {
  readonly limit: number;
  readonly last: string | null;
}

/** Default and greatest page size; ACR's service has the same (ACR-FACTS §6). */
export const defaultPageLimit = 100;
export const maxPageLimit = 1000;

/**
 * Parses `n` and `last` of a list request. `n` above the cap is cut to it, as the specification allows; `n=0` asks for
 * an empty list (distribution-spec, "Listing tags"); anything that is not a whole number is `page-invalid`.
 */
export function parsePage(n: string | null, last: string | null): Page {
  if (last !== null && (last.length > 512 || last.includes('\0'))) {
    throw new Fault('page-invalid', 'the "last" parameter is not a name from an earlier page');
  }
  if (n === null || n === '') return { limit: defaultPageLimit, last };
  if (!/^[0-9]{1,20}$/.test(n)) {
    throw new Fault(
      'page-invalid',
      `n="${n.slice(0, 40)}" is not a page size; use a whole number from 0 to ${maxPageLimit}`,
    );
  }
  const asked = Number(n);
  return { limit: Math.min(asked, maxPageLimit), last };
}
