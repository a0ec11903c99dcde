/**
 * Routes of a plane as data. A pattern is made of literals, `{name}` for one segment and `{name*}` for one or more; at
 * most one starred part, because repository names hold slashes. What stands right of it is matched from the right end, so
 * that a repository called `a/blobs/uploads` still works. Percent-encoding is undone once, segment by segment.
 */
export interface RoutePattern {
  readonly id: string;
  readonly methods: readonly string[];
  readonly pattern: string;
}

/** Parameters of a match by name. */
export type RouteParameters = Readonly<Record<string, string>>;

/** A path that matched, a path whose method is not served (with those that are), or nothing. */
export type RouteMatch<R> =
  | { readonly kind: 'match'; readonly route: R; readonly parameters: RouteParameters }
  | { readonly kind: 'method'; readonly allowed: readonly string[] }
  | { readonly kind: 'none' };

interface Compiled<R> {
  readonly route: R;
  readonly left: readonly string[];
  readonly starred: string | null;
  readonly right: readonly string[];
}

/** Compiles routes; earlier ones win. The answer matches a method and a raw path (without query). */
export function compileRoutes<R extends RoutePattern>(
  routes: readonly R[],
): (method: string, path: string) => RouteMatch<R> {
  const buckets = new Map<string, Compiled<R>[]>();
  for (const route of routes) {
    const compiled = compile(route);
    const first = compiled.left[0] ?? '';
    buckets.set(first, [...(buckets.get(first) ?? []), compiled]);
  }
  return (method, path) => {
    const segments = segmentsOf(path);
    if (segments === null) return { kind: 'none' };
    const allowed: string[] = [];
    let pattern: string | null = null;
    for (const candidate of buckets.get(segments[0] ?? '') ?? []) {
      // The first pattern that fits is what the path means, whatever the method: no later one may claim it.
      if (pattern !== null && candidate.route.pattern !== pattern) continue;
      const parameters = match(candidate, segments);
      if (parameters === null) continue;
      pattern = candidate.route.pattern;
      if (candidate.route.methods.includes(method)) return { kind: 'match', route: candidate.route, parameters };
      allowed.push(...candidate.route.methods);
    }
    return allowed.length > 0 ? { kind: 'method', allowed: [...new Set(allowed)] } : { kind: 'none' };
  };
}

function compile<R extends RoutePattern>(route: R): Compiled<R> {
  const parts = route.pattern.split('/').filter((part) => part !== '');
  const star = parts.findIndex((part) => part.endsWith('*}'));
  return star === -1
    ? { route, left: parts, starred: null, right: [] }
    : { route, left: parts.slice(0, star), starred: parts[star]?.slice(1, -2) ?? null, right: parts.slice(star + 1) };
}

/** Decoded, non-empty segments (double and trailing slashes fold away); null when the encoding is broken. */
function segmentsOf(path: string): string[] | null {
  const segments: string[] = [];
  for (const raw of path.split('/')) {
    if (raw === '') continue;
    if (!raw.includes('%')) segments.push(raw);
    else {
      try {
        segments.push(decodeURIComponent(raw));
      } catch {
        return null;
      }
    }
  }
  return segments;
}

function match<R>(candidate: Compiled<R>, segments: readonly string[]): RouteParameters | null {
  const { left, starred, right } = candidate;
  const middle = segments.length - left.length - right.length;
  if (starred === null ? middle !== 0 : middle < 1) return null;
  const parameters: Record<string, string> = {};
  if (!matchPart(left, segments, 0, parameters)) return null;
  if (!matchPart(right, segments, segments.length - right.length, parameters)) return null;
  if (starred !== null) parameters[starred] = segments.slice(left.length, left.length + middle).join('/');
  return parameters;
}

function matchPart(
  parts: readonly string[],
  segments: readonly string[],
  at: number,
  into: Record<string, string>,
): boolean {
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] as string;
    const segment = segments[at + index] as string;
    if (part.charCodeAt(0) === 123 /* { */) into[part.slice(1, -1)] = segment;
    else if (part !== segment) return false;
  }
  return true;
}
