import { createHash, type Hash } from 'node:crypto';
import { Fault } from './fault.ts';

declare const digestBrand: unique symbol;
/** A parsed content digest, `algorithm:hex` in lower case (image-spec, "Digests"). */
export type Digest = string & { readonly [digestBrand]: true };

/** The algorithms that Berth computes and stores. */
export type DigestAlgorithm = 'sha256' | 'sha512';

const hexLength: Record<DigestAlgorithm, number> = { sha256: 64, sha512: 128 };
const grammar = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;
const hex = /^[a-f0-9]+$/;

/** Parses the name of a digest algorithm; anything but sha256 and sha512 is `digest-unsupported`. */
export function parseDigestAlgorithm(text: string): DigestAlgorithm {
  if (text === 'sha256' || text === 'sha512') return text;
  throw new Fault('digest-unsupported', `digest algorithm "${clip(text)}" is not supported; use sha256 or sha512`);
}

/**
 * Parses a digest at the door. Throws `digest-invalid` for bad grammar or a wrong length, `digest-unsupported`
 * for a well-formed digest of an algorithm we cannot verify.
 */
export function parseDigest(text: string): Digest {
  if (text.length > 160 || !grammar.test(text)) {
    throw new Fault('digest-invalid', `"${clip(text)}" is not a digest of the form algorithm:hex`);
  }
  const algorithm = parseDigestAlgorithm(text.slice(0, text.indexOf(':')));
  const encoded = text.slice(algorithm.length + 1);
  if (encoded.length !== hexLength[algorithm] || !hex.test(encoded)) {
    throw new Fault(
      'digest-invalid',
      `"${clip(text)}" is not a ${algorithm} digest: ${hexLength[algorithm]} lower-case hex digits expected`,
    );
  }
  return text as Digest;
}

/** True when `text` has the outward shape of a digest (a colon), so that a reference is not a tag. */
export function looksLikeDigest(text: string): boolean {
  return text.includes(':');
}

/** The algorithm of a parsed digest. */
export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** Digest of bytes held in memory (manifests, small blobs). */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest;
}

/** A running hash; `digest()` may be called once. */
export interface RunningDigest {
  readonly algorithm: DigestAlgorithm;
  update(bytes: Uint8Array): void;
  digest(): Digest;
}

/** Starts a running hash for bytes that arrive in pieces. */
export function startDigest(algorithm: DigestAlgorithm): RunningDigest {
  const hash: Hash = createHash(algorithm);
  return {
    algorithm,
    update: (bytes) => void hash.update(bytes),
    digest: () => `${algorithm}:${hash.digest('hex')}` as Digest,
  };
}

function clip(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
