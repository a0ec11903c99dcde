import type { Page } from '../../kernel/index.ts';

/**
 * The `Link` header to the next page: relative, with a `?`, and every parameter with a `=` (AZ-WIRE T-REG-10; RFC 5988).
 * Filters of the request are carried along.
 */
export function nextLink(path: string, page: Page, last: string, more: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams({ last, n: String(page.limit), ...more });
  return `<${path}?${query.toString()}>; rel="next"`;
}
