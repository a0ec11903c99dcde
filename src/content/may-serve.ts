import { Fault, operatorOnly } from '../kernel/index.ts';
import { type LockedThing, lockedFault } from './locked.ts';
import { lockBits } from './locks.ts';

/** What is known of something before its bytes go out. */
export interface Servable {
  /** How to name it to the caller. */
  readonly label: string;
  readonly repository: string;
  /** The tag that it was asked for by, if it was. */
  readonly tag?: string | undefined;
  readonly digest: string;
  readonly state: string;
  readonly repositoryLocks: number;
  readonly tagLocks: number;
  readonly manifestLocks: number;
}

/**
 * May this be served? The one question before every GET, HEAD and mount; throws when not, and for every state it does not
 * know. Policies, quarantine verdicts and network rules join here.
 */
export function mayServe(subject: Servable): void {
  switch (subject.state) {
    case 'live':
    case 'present':
      break;
    case 'quarantined':
      // By tag a quarantined image looks absent, by digest it is refused (ACR-FACTS §8.4).
      if (subject.tag !== undefined) throw new Fault('manifest-unknown', `${subject.label} is not found`);
      throw new Fault('not-permitted', `${subject.label} is quarantined`, {
        operator: operatorOnly({
          rule: 'quarantined',
          because: `${subject.label} of ${subject.repository} is quarantined`,
          cure: 'release it from quarantine',
        }),
      });
    default:
      throw new Fault('manifest-unknown', `${subject.label} is not found`);
  }
  if ((subject.repositoryLocks | subject.tagLocks | subject.manifestLocks) & lockBits.readEnabled) {
    throw lockedFault(`${subject.label} is locked against reading`, lockedPart(subject), lockBits.readEnabled);
  }
}

/** The widest of what is locked, because that is what has to be unlocked first. */
function lockedPart(subject: Servable): LockedThing {
  const { repository, tag, digest } = subject;
  if (subject.repositoryLocks & lockBits.readEnabled) return { repository, locks: subject.repositoryLocks };
  if (tag !== undefined && subject.tagLocks & lockBits.readEnabled) return { repository, tag, locks: subject.tagLocks };
  return { repository, digest, locks: subject.manifestLocks };
}
