import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { KeyWrapper } from '../../ports/index.ts';

const rootKeyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * A key wrapper over a root key held by this machine. Text form: `v1.<keyId>.<base64url of nonce, ciphertext, tag>`.
 *
 * Each context has an AES-256-GCM key of its own (HKDF-SHA256 of the root key, the context as `info`), so the bound on
 * random nonces counts per context, and a sealed text moved to another context does not open. `keyId` is a hash of the
 * root key under a label of its own and tells nothing about the key. Throws a RangeError for a root key of another
 * length, and an Error from `open` that names the reason, never the secret.
 */
export function localKeyWrapper(rootKey: Uint8Array): KeyWrapper {
  if (rootKey.byteLength !== rootKeyBytes) {
    throw new RangeError(`a root key has ${rootKeyBytes} bytes, not ${rootKey.byteLength}`);
  }
  const root = Uint8Array.from(rootKey);
  const keyId = createHash('sha256').update('berth key id\0').update(root).digest('hex').slice(0, 16);

  return {
    keyId,

    seal(secret, context) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', keyFor(root, context), nonce, { authTagLength: tagBytes });
      const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `v1.${keyId}.${sealed.toString('base64url')}`;
    },

    open(sealed, context) {
      const [version, sealedBy, encoded, ...rest] = sealed.split('.');
      if (version !== 'v1' || sealedBy === undefined || encoded === undefined || rest.length > 0) {
        throw new Error('this is not a sealed secret of the form v1.<keyId>.<bytes>');
      }
      if (sealedBy !== keyId) throw new Error(`sealed with key "${sealedBy}", but the root key at hand is "${keyId}"`);
      const bytes = Buffer.from(encoded, 'base64url');
      // Lenient decoding would let two texts open to one secret.
      if (bytes.toString('base64url') !== encoded || bytes.byteLength < nonceBytes + tagBytes) {
        throw new Error('the sealed secret is damaged');
      }
      const decipher = createDecipheriv('aes-256-gcm', keyFor(root, context), bytes.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAuthTag(bytes.subarray(bytes.byteLength - tagBytes));
      const opened = decipher.update(bytes.subarray(nonceBytes, bytes.byteLength - tagBytes));
      try {
        return Buffer.concat([opened, decipher.final()]).toString('utf8');
      } catch (error) {
        throw new Error(
          `the sealed secret does not open for "${context}": it was changed, or sealed for another context`,
          {
            cause: error,
          },
        );
      }
    },
  };
}

function keyFor(root: Uint8Array, context: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', root, 'berth key wrapper v1', context, 32));
}
