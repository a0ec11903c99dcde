import { parseResourceId, type ResourceId } from '../../kernel/index.ts';

/**
 * The resource, group or subscription that a path names, or what a collection or an action in it stands at; `/` where it
 * names none. `segments` are decoded. Undefined when a name in it is none that anything could have.
 */
export function scopeOfPath(segments: readonly string[]): ResourceId | undefined {
  let end = 0;
  const lower = (index: number): string | undefined => segments[index]?.toLowerCase();
  if (lower(end) === 'subscriptions' && segments[end + 1] !== undefined) end += 2;
  if (end === 2 && lower(end) === 'resourcegroups' && segments[end + 1] !== undefined) end += 2;
  while (lower(end) === 'providers' && segments[end + 1] !== undefined) {
    let next = end + 2;
    while (segments[next + 1] !== undefined && lower(next) !== 'providers') next += 2;
    if (next === end + 2) break;
    end = next;
  }
  return parseResourceId(`/${segments.slice(0, end).join('/')}`);
}
