import { Fault } from '../kernel/index.ts';
import { lockBits } from './locks.ts';

/** What is known of something before its bytes go out. */
export interface Servable {
  /** How to name it to the caller. */
  readonly label: string;
  readonly byTag: boolean;
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
      if (subject.byTag) throw new Fault('manifest-unknown', `${subject.label} is not found`);
      throw new Fault('not-permitted', `${subject.label} is quarantined`);
    default:
      throw new Fault('manifest-unknown', `${subject.label} is not found`);
  }
  if ((subject.repositoryLocks | subject.tagLocks | subject.manifestLocks) & lockBits.readEnabled) {
    throw new Fault('locked', `${subject.label} is locked against reading`);
  }
}
