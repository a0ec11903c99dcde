/** Our corrections to what descriptions say, and what no description has. Each entry says why it is there. */
import type { Schemas } from './description.ts';
import type { UntypedRow } from './operations.ts';

export interface Overlay {
  /** Versions that clients use and no description is there for: they know what `like` knows, but for `without`. */
  readonly apiVersions?: readonly {
    readonly reason: string;
    readonly version: string;
    readonly like: string;
    /** Beginnings of operation ids. */
    readonly without?: readonly string[];
  }[];
  /** New operations, and changed fields of those that there are. */
  readonly operations?: readonly ({ readonly reason: string } & (
    | { readonly add: UntypedRow }
    | { readonly ids: readonly string[]; readonly set: Partial<UntypedRow> }
  ))[];
  /** Changes of schemas as JSON merge patches (RFC 7386); new ones where there are none. */
  readonly schemas?: readonly { readonly reason: string; readonly name: string; readonly merge: unknown }[];
}

/** Applies an overlay in place. Throws for an entry without a reason, and for one that changes nothing. */
export function applyOverlay(overlay: Overlay, rows: UntypedRow[], schemas: Schemas): void {
  for (const entry of [...(overlay.apiVersions ?? []), ...(overlay.operations ?? []), ...(overlay.schemas ?? [])]) {
    if (!entry.reason) throw new Error(`an entry has no reason: ${JSON.stringify(entry).slice(0, 100)}`);
  }
  for (const entry of overlay.operations ?? []) {
    if ('add' in entry) {
      if (rows.some((row) => row.id === entry.add.id)) throw new Error(`${entry.add.id} is there already`);
      rows.push(structuredClone(entry.add));
      continue;
    }
    for (const id of entry.ids) {
      const row = rows.find((one) => one.id === id);
      if (row === undefined) throw new Error(`there is no operation ${id} to change`);
      Object.assign(row, structuredClone(entry.set));
    }
  }
  for (const { version, like, without = [] } of overlay.apiVersions ?? []) {
    const alike = rows.filter(
      (row) => row.apiVersions.includes(like) && !without.some((start) => row.id.startsWith(start)),
    );
    if (alike.length === 0) throw new Error(`no operation is known in ${like}`);
    for (const row of alike) row.apiVersions = [...new Set([...row.apiVersions, version])].toSorted();
  }
  for (const { name, merge } of overlay.schemas ?? []) {
    const before = schemas[name];
    const after = mergePatch(before, merge);
    if (JSON.stringify(after) === JSON.stringify(before)) throw new Error(`the change of ${name} changes nothing`);
    schemas[name] = after as Schemas[string];
  }
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return structuredClone(patch);
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
