/**
 * Seals small secrets (signing keys, passwords that must be shown again) under the root key. `context` is bound to the
 * sealed text: opening with another context fails, so a sealed value cannot be moved to another row.
 */
export interface KeyWrapper {
  /** Name of the key in use, stored beside what it sealed. */
  readonly keyId: string;
  /** Text form of the sealed secret, safe to store. */
  seal(secret: string, context: string): string;
  /** Opens what `seal` made. Throws when the key, the context or the text is not the one that sealed it. */
  open(sealed: string, context: string): string;
}
