/**
 * Finds the operation that a request asks for. Templates are a tree by segment, so the time depends on the length of the
 * path and not on how many operations there are; those that begin with `{scope}` are a tree of their own, of what comes
 * behind the scope.
 */
import type { ArmOperation } from './contracts.ts';
import { lastProviders, splitPath } from './resource-path.ts';

/** What a method and path lead to. */
export type FoundOperation =
  | {
      readonly kind: 'found';
      readonly operation: ArmOperation;
      /**
       * What stands in the path, decoded and as the client spelled it, by the names of the template. `scope` begins with a
       * slash, and is `/` alone where nothing stands before `providers`.
       */
      readonly parameters: Readonly<Record<string, string>>;
    }
  /** The path is one of an operation, but not with this method. */
  | { readonly kind: 'other-methods'; readonly allowed: readonly string[] }
  /** No operation has this path. The namespace as the client spelled it, where the path has one. */
  | { readonly kind: 'none'; readonly namespace: string | null };

/** Answers which operation a method (upper case) and a path (as sent, without query) ask for. */
export type FindOperation = (method: string, path: string) => FoundOperation;

interface Node {
  readonly literals: Map<string, Node>;
  parameter: Node | undefined;
  readonly operations: Map<string, Target>;
}

interface Target {
  readonly operation: ArmOperation;
  /** Where the parameters stand, counted from where the tree begins. */
  readonly parameters: readonly (readonly [name: string, position: number])[];
}

const scopePrefix = '/{scope}/';

/**
 * Makes the index. A literal segment is preferred to a parameter. Throws when two operations want the same requests, which
 * is an error in the table; those with `sameAs` are left out, because another one stands for them.
 */
export function indexOperations(operations: Iterable<ArmOperation>): FindOperation {
  const fixed = emptyNode();
  const extensions = emptyNode();
  for (const operation of operations) {
    if (operation.sameAs !== undefined) continue;
    const path = operation.route ?? operation.path;
    if (path.startsWith(scopePrefix)) insert(extensions, path.slice(scopePrefix.length), operation);
    else insert(fixed, path, operation);
  }
  return (method, path) => {
    const segments = splitPath(path);
    if (segments === undefined) return { kind: 'none', namespace: null };
    const words = segments.map((segment) => segment.toLowerCase());
    const start = lastProviders(words);
    const allowed = new Set<string>();
    const take = (node: Node): Target | undefined => {
      for (const name of node.operations.keys()) allowed.add(name);
      return node.operations.get(method);
    };
    const direct = search(fixed, words, 0, take);
    if (direct) return { kind: 'found', operation: direct.operation, parameters: readParameters(direct, segments, 0) };
    const behind = start === undefined ? undefined : search(extensions, words, start, take);
    if (behind !== undefined && start !== undefined) {
      const scope = `/${segments.slice(0, start).join('/')}`;
      return {
        kind: 'found',
        operation: behind.operation,
        parameters: { scope, ...readParameters(behind, segments, start) },
      };
    }
    if (allowed.size > 0) return { kind: 'other-methods', allowed: [...allowed].toSorted() };
    return { kind: 'none', namespace: start === undefined ? null : (segments[start + 1] ?? null) };
  };
}

function insert(root: Node, template: string, operation: ArmOperation): void {
  const parameters: [string, number][] = [];
  let node = root;
  for (const [position, segment] of template
    .split('/')
    .filter((part) => part !== '')
    .entries()) {
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (name === undefined) {
      const word = segment.toLowerCase();
      const next = node.literals.get(word) ?? emptyNode();
      node.literals.set(word, next);
      node = next;
    } else {
      parameters.push([name, position]);
      node.parameter ??= emptyNode();
      node = node.parameter;
    }
  }
  const other = node.operations.get(operation.method)?.operation;
  if (other) throw new Error(`${operation.id} and ${other.id} want the same requests`);
  node.operations.set(operation.method, { operation, parameters });
}

/** The first target that `take` accepts, literals first. No deeper than the templates are. */
function search(
  node: Node,
  words: readonly string[],
  at: number,
  take: (node: Node) => Target | undefined,
): Target | undefined {
  const word = words[at];
  if (word === undefined) return take(node);
  const literal = node.literals.get(word);
  const found = literal === undefined ? undefined : search(literal, words, at + 1, take);
  if (found !== undefined || node.parameter === undefined) return found;
  return search(node.parameter, words, at + 1, take);
}

function readParameters(target: Target, segments: readonly string[], start: number): Record<string, string> {
  return Object.fromEntries(target.parameters.map(([name, position]) => [name, segments[start + position] ?? '']));
}

function emptyNode(): Node {
  return { literals: new Map(), parameter: undefined, operations: new Map() };
}
