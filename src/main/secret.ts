import { inspect } from 'node:util';

/** A value that prints as `***` wherever text is made of it: templates, JSON, logs, `console`. */
export interface Secret {
  /** The value itself, for the one place that needs it. */
  reveal(): string;
  toString(): string;
  toJSON(): string;
}

const mask = '***';

/** Wraps a secret so that it cannot be printed by accident. */
export function secretOf(value: string): Secret {
  const secret: Secret & { [inspect.custom](): string } = {
    reveal: () => value,
    toString: () => mask,
    toJSON: () => mask,
    [inspect.custom]: () => mask,
  };
  return Object.freeze(secret);
}
