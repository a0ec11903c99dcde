import { type Digest, looksLikeDigest, parseDigest } from './digest.ts';
import { Fault } from './fault.ts';

declare const repositoryBrand: unique symbol;
declare const tagBrand: unique symbol;
/** A parsed repository name (distribution-spec, "Pulling manifests": `<name>`). */
export type RepositoryName = string & { readonly [repositoryBrand]: true };
/** A parsed tag (distribution-spec: `<reference>` as a tag). */
export type Tag = string & { readonly [tagBrand]: true };

/** What stands after `/manifests/`: a tag or a digest. */
export type Reference =
  | { readonly tag: Tag; readonly digest?: never }
  | { readonly digest: Digest; readonly tag?: never };

/** Longest repository name; the specification advises that host and name stay below 255 together. */
export const maxRepositoryNameLength = 255;

const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagGrammar = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** Parses a repository name; throws `name-invalid`. */
export function parseRepositoryName(text: string): RepositoryName {
  if (text.length === 0 || text.length > maxRepositoryNameLength) {
    throw new Fault(
      'name-invalid',
      `a repository name has 1 to ${maxRepositoryNameLength} characters, not ${text.length}`,
    );
  }
  for (const part of text.split('/')) {
    if (!component.test(part)) {
      throw new Fault(
        'name-invalid',
        `"${text}" is not a repository name: lower-case letters and digits, separated by ".", "_", "__", "-" or "/"`,
      );
    }
  }
  return text as RepositoryName;
}

/** True when `text` is a repository name. */
export function isRepositoryName(text: string): text is RepositoryName {
  return text.length <= maxRepositoryNameLength && text.split('/').every((part) => component.test(part));
}

/** Parses a tag; throws `tag-invalid`. */
export function parseTag(text: string): Tag {
  if (!tagGrammar.test(text)) {
    throw new Fault(
      'tag-invalid',
      `"${text.slice(0, 140)}" is not a tag: up to 128 letters, digits, "_", "." or "-", not starting with "." or "-"`,
    );
  }
  return text as Tag;
}

/** Parses the reference of a manifest route: a digest when it holds a colon, else a tag. */
export function parseReference(text: string): Reference {
  return looksLikeDigest(text) ? { digest: parseDigest(text) } : { tag: parseTag(text) };
}
