const grammar = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** True for a GUID in any case; anything else is the id of nothing. */
export function isGuid(text: string): boolean {
  return grammar.test(text);
}
