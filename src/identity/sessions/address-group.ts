import { isIPv6 } from 'node:net';

const mapped = /^::ffff:((?:[0-9]{1,3}\.){3}[0-9]{1,3})$/i;

/** What one subscriber has of addresses: an IPv4 address, or the first 64 bits of an IPv6 one. */
export function addressGroup(address: string): string {
  const plain = mapped.exec(address)?.[1] ?? address;
  if (!isIPv6(plain)) return plain;
  const [left = '', right] = (plain.split('%')[0] ?? '').toLowerCase().split('::');
  const groups = (part: string): string[] => part.split(':').filter((group) => group !== '');
  const head = groups(left);
  // An IPv4 address at the end stands for two groups, far behind the first four.
  const missing = right === undefined ? 0 : Math.max(0, 8 - head.length - groups(right).length);
  const all = [...head, ...Array<string>(missing).fill('0'), ...groups(right ?? '')];
  return all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}
