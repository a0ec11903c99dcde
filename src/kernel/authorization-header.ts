/** What an Authorization header offers. `unusable`: a header is there, but nothing that Berth could check. */
export type Authorization =
  | { readonly scheme: 'basic'; readonly username: string; readonly password: string }
  | { readonly scheme: 'bearer'; readonly token: string }
  | { readonly scheme: 'none' }
  | { readonly scheme: 'unusable' };

/** Bounds in bytes. Registry refresh tokens travel as passwords, and tokens with many groups pass 8 KiB. */
const maxUsernameBytes = 256;
const maxPasswordBytes = 16 * 1024;
const maxTokenBytes = 16 * 1024;
const maxHeaderLength = 24 * 1024;

const credentials = /^([A-Za-z]+) +([A-Za-z0-9._~+/-]+=*)$/;
const control = /\p{Cc}/u;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const unusable: Authorization = { scheme: 'unusable' };

/**
 * Reads an Authorization header: Basic (RFC 7617: padded base64 of UTF-8, the first colon splits) or Bearer (RFC 6750
 * §2.1). Never throws. Other schemes, control characters and anything too long are `unusable`, which is not the same as no
 * header: who offers a broken credential must not be served as anonymous.
 */
export function parseAuthorization(header: string | undefined): Authorization {
  if (header === undefined) return { scheme: 'none' };
  if (header.length > maxHeaderLength) return unusable;
  const [, scheme, value] = credentials.exec(header) ?? [];
  if (scheme === undefined || value === undefined) return unusable;
  switch (scheme.toLowerCase()) {
    case 'basic':
      return parseBasic(value);
    case 'bearer':
      return value.length > maxTokenBytes ? unusable : { scheme: 'bearer', token: value };
    default:
      return unusable;
  }
}

function parseBasic(value: string): Authorization {
  const bytes = Buffer.from(value, 'base64');
  // Buffer skips what is not base64; only what encodes back to itself was all of it.
  if (bytes.toString('base64') !== value) return unusable;
  const colon = bytes.indexOf(0x3a);
  if (colon < 0 || colon > maxUsernameBytes || bytes.length - colon - 1 > maxPasswordBytes) return unusable;
  const username = decode(bytes.subarray(0, colon));
  const password = decode(bytes.subarray(colon + 1));
  if (username === undefined || password === undefined) return unusable;
  return { scheme: 'basic', username, password };
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(bytes);
    return control.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
