import { contentEffects } from './_content-effects.ts';
import type { Effect } from './_ground.ts';
import { groupEffects } from './_group-effects.ts';
import { registryEffects } from './_registry-effects.ts';
import { roleEffects } from './_role-effects.ts';

/** What every served operation of the resource manager does, read back; the test runs each, and the page names it. */
export const armEffects: Readonly<Record<string, Effect>> = { ...groupEffects, ...roleEffects, ...registryEffects };

export { contentEffects };
