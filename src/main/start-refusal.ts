/**
 * An expected reason not to start: a wrong setting, a folder in use, data of another version. `message` is one line for
 * the person at the terminal (what was asked, what was found, what to do) and is printed without a stack.
 */
export class StartRefusal extends Error {
  override name = 'StartRefusal';
}
