import { isObject, type JsonObject, type JsonValue } from '../../kernel/index.ts';

/**
 * A resource after a PATCH: objects merge at every depth, null takes a member away, lists and everything else replace
 * (RFC 7396). `tags` at the top replace as a whole (AZ-WIRE T-ARM-1, T-ARM-2). Neither argument is changed.
 */
export function mergePatch(current: JsonObject, change: JsonObject): JsonObject {
  const { tags, ...rest } = change;
  const merged = merge(current, rest);
  if (tags === undefined) return merged;
  const { tags: _, ...others } = merged;
  return isObject(tags) ? { ...others, tags: merge({}, tags) } : others;
}

function merge(current: JsonObject, change: JsonObject): JsonObject {
  const merged = new Map<string, JsonValue>(Object.entries(current));
  for (const [key, value] of Object.entries(change)) {
    if (value === null) merged.delete(key);
    else if (!isObject(value)) merged.set(key, value);
    else {
      const before = merged.get(key);
      merged.set(key, merge(isObject(before) ? before : {}, value));
    }
  }
  return Object.fromEntries(merged);
}
