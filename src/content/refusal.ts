import type { Fault, FaultCode, SpecificRule } from '../kernel/index.ts';

/** The rule that refused: a specific one where there is one, else the code of the fault. */
export type RefusalRule = FaultCode | SpecificRule;

/** How a request proved, or tried to prove, who it is from. */
export type SignInForm = 'none' | 'basic' | 'bearer' | 'form' | 'unusable';

/**
 * One refused request as operators see it. Names and sentences of ours only: nothing of a credential, of a body or of a
 * query is in it, and no user name that nobody has, since that may be a password in the wrong place.
 */
export interface Refusal {
  readonly id: string;
  /** Unix milliseconds. */
  readonly at: number;
  readonly registry: string;
  readonly listener: string;
  readonly address: string;
  /** Stable name of who asked, or whom the credential named; empty where nobody knows. */
  readonly actor: string;
  readonly signedIn: SignInForm;
  readonly operation: string;
  readonly method: string;
  readonly repository: string;
  readonly reference: string;
  /** The actions that were asked for. */
  readonly wanted: readonly string[];
  readonly status: number;
  readonly rule: RefusalRule;
  readonly because: string;
  /** What would allow it; empty where nothing of Berth's would. */
  readonly cure: string;
}

/**
 * How a fault without a rule of its own is told. `kept`: `row` is worth a row that outlives the process, `memory` is
 * everyday (clients ask whether a blob is there before they push it). `tells`: `ownMessage`, the fault's message, where nothing
 * in it can be of the caller's making beyond names in the path, or a sentence in its place.
 */
interface Telling {
  readonly kept: 'row' | 'memory';
  readonly tells: string;
  readonly cure: string;
}

const ownMessage = '';

const malformed = (what: string): Telling => ({
  kept: 'row',
  tells: `${what}; the answer told the caller what was wrong with it`,
  cure: 'the client has to send something else',
});
const absent: Telling = { kept: 'memory', tells: ownMessage, cure: 'push it first' };
const tooLarge = (key: string): Telling => ({
  kept: 'row',
  tells: ownMessage,
  cure: `start with a greater --${key}`,
});

/** Total over the codes: a new one does not compile until it is said how it is told. */
export const tellings: Readonly<Record<FaultCode, Telling>> = {
  unauthenticated: { kept: 'row', tells: 'the caller did not prove who it is', cure: 'sign in' },
  denied: { kept: 'row', tells: 'the right is missing', cure: 'sign in as somebody with the right' },
  'name-invalid': malformed('the repository name is none'),
  'name-unknown': absent,
  'tag-invalid': malformed('the tag is none'),
  'tag-unknown': absent,
  'manifest-invalid': malformed('the manifest is none that the registry takes'),
  'manifest-unknown': absent,
  'manifest-too-large': tooLarge('limits-manifest-bytes'),
  'manifest-blob-unknown': { kept: 'row', tells: ownMessage, cure: 'push the blobs, then the manifest' },
  'digest-invalid': malformed('the digest is none, or not that of the bytes'),
  'digest-unsupported': malformed('the digest has an algorithm that is not known'),
  'blob-unknown': absent,
  'blob-too-large': tooLarge('limits-layer-bytes'),
  'upload-unknown': { ...absent, cure: 'start a new upload, as the same user' },
  'upload-invalid': malformed('the chunk contradicts its header'),
  'upload-range': malformed('the chunk does not begin where the upload stands'),
  'range-not-satisfiable': malformed('the range is beyond the end'),
  'page-invalid': malformed('the page is none'),
  locked: { kept: 'row', tells: ownMessage, cure: 'unlock it' },
  'not-permitted': { kept: 'row', tells: ownMessage, cure: '' },
  unsupported: malformed('the method, or the feature, is not there'),
  'too-many-requests': { kept: 'row', tells: ownMessage, cure: 'wait as Retry-After says' },
  'request-invalid': malformed('the request is malformed'),
  'not-found': { kept: 'memory', tells: 'there is nothing at this path or under this host', cure: '' },
  conflict: { kept: 'row', tells: 'the request came across another one', cure: 'try again' },
  'precondition-failed': malformed('what the request expected to find is not what is there'),
  unavailable: { kept: 'row', tells: ownMessage, cure: 'see berth status and the log' },
  'storage-full': { kept: 'row', tells: ownMessage, cure: 'make room where the data folder and the database are' },
  timeout: { kept: 'row', tells: ownMessage, cure: 'see limits.slowClient' },
};

/** What the fault says to operators: rule, reason, cure, and whom the credential named. */
export function toldBy(fault: Fault): Pick<Refusal, 'rule' | 'because' | 'cure'> & { actor: string } {
  const explained = fault.operator?.forOperator();
  if (explained) {
    const { rule, because, cure, actor = '' } = explained;
    return { rule, because, cure, actor };
  }
  const { tells, cure } = tellings[fault.code];
  return { rule: fault.code, because: tells === ownMessage ? fault.message : tells, cure, actor: '' };
}

/**
 * True when the refusal is worth a row. The first request of every client comes without credentials, to be told where to
 * sign in; that is no refusal that anybody asks about later.
 */
export function isWorthKeeping(fault: Fault, refusal: Refusal): boolean {
  if (refusal.rule === 'credential-missing' && !refusal.operation.startsWith('oauth2.')) return false;
  return tellings[fault.code].kept === 'row';
}
