/** What the target of a CONNECT request is: a host of Berth, or why it is not let through. */
export type ConnectTarget = { readonly host: string } | { readonly refused: string };

/**
 * Reads the target of a CONNECT request (`host:port`, RFC 9110 §9.3.6). Only names below `domain` with one of `ports` are
 * hosts of Berth; addresses, user names, the domain itself and everything unreadable are refused with a reason that fits
 * on a status line. Case and one trailing dot do not matter.
 */
export function connectTarget(authority: string, options: { domain: string; ports: readonly number[] }): ConnectTarget {
  const match = /^([a-z0-9.-]{1,254}):([1-9][0-9]{0,4})$/.exec(authority.toLowerCase());
  const host = match?.[1]?.replace(/\.$/, '') ?? '';
  const suffix = `.${options.domain}`;
  if (!host.endsWith(suffix) || host.length > 253 || !host.split('.').every(isLabel)) {
    return { refused: `this proxy leads to names below ${options.domain} only` };
  }
  if (!options.ports.includes(Number(match?.[2]))) {
    return { refused: `this proxy leads to port ${options.ports.join(' and ')} only` };
  }
  return { host };
}

function isLabel(label: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label);
}
