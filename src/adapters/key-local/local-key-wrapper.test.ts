import { describe, expect, test } from 'vitest';
import { localKeyWrapper } from './index.ts';

const rootKey = Uint8Array.from({ length: 32 }, (_, index) => index);
const otherKey = Uint8Array.from({ length: 32 }, (_, index) => index + 1);

describe('the local key wrapper', () => {
  const wrapper = localKeyWrapper(rootKey);

  test.each(['', 'a', 'pässwörd ☂', 'x'.repeat(10_000)])('opens what it sealed', (secret) => {
    expect(wrapper.open(wrapper.seal(secret, 'token/1'), 'token/1')).toBe(secret);
  });

  test('writes v1, its key id and base64url', () => {
    const sealed = wrapper.seal('secret', 'row');
    expect(sealed).toMatch(/^v1\.[0-9a-f]{16}\.[A-Za-z0-9_-]+$/);
    expect(sealed.split('.')[1]).toBe(wrapper.keyId);
  });

  test('seals one secret differently each time', () => {
    const texts = new Set(Array.from({ length: 50 }, () => wrapper.seal('secret', 'row')));
    expect(texts.size).toBe(50);
  });

  test('has a key id that follows the key and does not show it', () => {
    expect(localKeyWrapper(rootKey).keyId).toBe(wrapper.keyId);
    expect(localKeyWrapper(otherKey).keyId).not.toBe(wrapper.keyId);
    expect(Buffer.from(rootKey).toString('hex')).not.toContain(wrapper.keyId);
  });

  test('refuses another context', () => {
    const sealed = wrapper.seal('secret', 'row/1');
    expect(() => wrapper.open(sealed, 'row/2')).toThrow(/does not open for "row\/2"/);
  });

  test('refuses another root key and names both ids', () => {
    const sealed = localKeyWrapper(otherKey).seal('secret', 'row');
    expect(() => wrapper.open(sealed, 'row')).toThrow(`the root key at hand is "${wrapper.keyId}"`);
  });

  test('refuses a forged key id', () => {
    const sealed = localKeyWrapper(otherKey).seal('secret', 'row').split('.');
    expect(() => wrapper.open(`v1.${wrapper.keyId}.${sealed[2]}`, 'row')).toThrow(/does not open/);
  });

  test('refuses every single flipped byte', () => {
    const [version, keyId, encoded] = wrapper.seal('secret', 'row').split('.') as [string, string, string];
    const bytes = Buffer.from(encoded, 'base64url');
    for (let index = 0; index < bytes.byteLength; index++) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => wrapper.open(`${version}.${keyId}.${changed.toString('base64url')}`, 'row')).toThrow(
        /does not open/,
      );
    }
  });

  test.each(['', 'secret', 'v1.only', 'v2.a.b', 'v1.a.b.c'])('refuses "%s" as a text that it never made', (text) => {
    expect(() => wrapper.open(text, 'row')).toThrow(/not a sealed secret/);
  });

  test.each(['', 'AAAA', '!!!!'])('refuses a body cut to "%s"', (body) => {
    expect(() => wrapper.open(`v1.${wrapper.keyId}.${body}`, 'row')).toThrow(/damaged/);
  });

  test('keeps its key when the caller clears the array', () => {
    const copy = Uint8Array.from(rootKey);
    const own = localKeyWrapper(copy);
    const sealed = own.seal('secret', 'row');
    copy.fill(0);
    expect(own.open(sealed, 'row')).toBe('secret');
  });

  test('refuses a root key of another length', () => {
    expect(() => localKeyWrapper(new Uint8Array(16))).toThrow(/32 bytes, not 16/);
  });
});
