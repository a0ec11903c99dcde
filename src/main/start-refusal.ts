/**
 * An expected reason not to start: a wrong setting, a folder in use, data of another version. `message` is one line for
 * the person at the terminal (what was asked, what was found, what to do) and is printed without a stack. What it quotes
 * may be anybody's text, so characters that would steer a terminal are written as escapes.
 */
export class StartRefusal extends Error {
  override name = 'StartRefusal';

  constructor(message: string, options?: ErrorOptions) {
    super(printable(message), options);
  }
}

/** Control characters, line separators, and marks that turn the direction of writing. */
const steering = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** The text with every character that a terminal would obey written as `\u001b`. */
export function printable(text: string): string {
  return text.replace(steering, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
