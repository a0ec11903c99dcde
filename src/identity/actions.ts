/** What a principal may do with a repository, in the words of ACR's scope maps. */
export type RepositoryAction = 'content/read' | 'content/write' | 'content/delete' | 'metadata/read' | 'metadata/write';

/** What a principal may do with a registry as a whole on the data plane. */
export type RegistryAction = 'catalog/read';

/** One row of the action table: the bit in a mask, and the word that token scopes use (ACR-FACTS §4.2, §4.9). */
export interface ActionRow {
  readonly bit: number;
  readonly scopeWord: string;
}

/** The action table. Routes, scope maps and token scopes all speak through it. */
export const repositoryActions: Readonly<Record<RepositoryAction, ActionRow>> = {
  'content/read': { bit: 1, scopeWord: 'pull' },
  'content/write': { bit: 2, scopeWord: 'push' },
  'content/delete': { bit: 4, scopeWord: 'delete' },
  'metadata/read': { bit: 8, scopeWord: 'metadata_read' },
  'metadata/write': { bit: 16, scopeWord: 'metadata_write' },
};

/** A set of repository actions as bits. */
export type ActionMask = number;

export const allActions: ActionMask = 31;
/** Either of these lets a repository appear in the caller's catalog. */
export const listingActions: ActionMask =
  repositoryActions['content/read'].bit | repositoryActions['metadata/read'].bit;

const names = Object.keys(repositoryActions) as RepositoryAction[];
const bitByScopeWord = new Map(names.map((name) => [repositoryActions[name].scopeWord, repositoryActions[name].bit]));

/** True when `text` is an action of the table. */
export function isRepositoryAction(text: string): text is RepositoryAction {
  return Object.hasOwn(repositoryActions, text);
}

/** The mask of the words of a token scope; `*` is everything, unknown words are nothing. */
export function maskOfScopeWords(words: readonly string[]): ActionMask {
  let mask = 0;
  for (const word of words) mask |= word === '*' ? allActions : (bitByScopeWord.get(word) ?? 0);
  return mask;
}

/** The token scope words of a mask, in the order of the table. */
export function scopeWordsOf(mask: ActionMask): string[] {
  return names.filter((name) => mask & repositoryActions[name].bit).map((name) => repositoryActions[name].scopeWord);
}
