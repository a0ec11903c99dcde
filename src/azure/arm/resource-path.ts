/**
 * Paths of Resource Manager. What stands where tells what it is, so a resource may be called like a word of the path:
 *
 *   [/subscriptions/{id} [/resourceGroups/{name}]]  (/providers/{namespace} (/{type}/{name})+)*  /providers/{namespace}/…
 *   └──────────────── scope of an extension: any resource, or nothing at all ────────────────┘  └────── its tail ──────┘
 */

/** What no name in Azure contains, and what would change the meaning of a path that is put together from names. */
// oxlint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u001f\u007f/\\?#%]/;

/**
 * The decoded segments of a path without its query; slashes beside each other count as one, also at the end. Undefined for
 * a path that does not begin with a slash, is not well encoded, or has a segment that could be taken for something else.
 */
export function splitPath(path: string): string[] | undefined {
  if (!path.startsWith('/')) return undefined;
  const segments: string[] = [];
  for (const raw of path.split('/')) {
    if (raw === '') continue;
    const segment = decode(raw);
    if (segment === undefined || segment === '.' || segment === '..' || forbidden.test(segment)) return undefined;
    segments.push(segment);
  }
  return segments;
}

/**
 * Where the last `providers` block of a path begins, found from the left by the picture above. Undefined when there is
 * none, and for a path of another form. `segments` are in lower case.
 */
export function lastProviders(segments: readonly string[]): number | undefined {
  let index = 0;
  if (segments[0] === 'subscriptions') index = segments[2] === 'resourcegroups' ? 4 : 2;
  let start: number | undefined;
  while (index < segments.length) {
    // The namespace stands behind it, and between two blocks there is the name of a resource.
    const isFirstWord = segments[index] === 'providers' && segments[index + 1] !== undefined;
    if (!isFirstWord || (start !== undefined && index - start < 4)) return undefined;
    start = index;
    index += 2;
    while (index < segments.length && segments[index] !== 'providers') index += 2;
  }
  return start;
}

function decode(segment: string): string | undefined {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
