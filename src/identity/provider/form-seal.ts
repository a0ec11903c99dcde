import { createHmac } from 'node:crypto';
import { type Clock, sameSecret } from '../../kernel/index.ts';

/**
 * What a page carries through its form: readable, and not to be changed, lengthened in time, or sent from another
 * browser, because the seal holds for one purpose, until an end, with the cookie of one browser (against forged requests).
 */
export interface FormSeal {
  seal(purpose: string, browser: string, state: Readonly<Record<string, string>>): string;
  /** Undefined when it is not ours, for another purpose or browser, or too old. */
  open(purpose: string, browser: string, sealed: string): Readonly<Record<string, string>> | undefined;
}

const lifetimeMs = 15 * 60_000;
const maxLength = 16 * 1024;

/** Makes the seal. `key` is secret. */
export function formSeal(options: { key: Uint8Array; clock: Clock }): FormSeal {
  const { key, clock } = options;
  const codeOf = (purpose: string, browser: string, body: string): string =>
    createHmac('sha256', key)
      .update(JSON.stringify([purpose, browser, body]))
      .digest('base64url');
  return {
    seal(purpose, browser, state) {
      const body = Buffer.from(JSON.stringify({ until: clock.now() + lifetimeMs, state })).toString('base64url');
      return `${body}.${codeOf(purpose, browser, body)}`;
    },
    open(purpose, browser, sealed) {
      const [body = '', code = '', ...more] = sealed.length > maxLength || browser === '' ? [] : sealed.split('.');
      if (body === '' || more.length > 0 || !sameSecret(code, codeOf(purpose, browser, body))) return undefined;
      // Ours, by its code.
      const { until, state } = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as {
        until: number;
        state: Record<string, string>;
      };
      return until > clock.now() ? state : undefined;
    },
  };
}
