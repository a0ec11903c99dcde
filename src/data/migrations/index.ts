import type { Migration } from '../../ports/index.ts';
import { ground } from './0001-ground.ts';

/** Every step of the schema, in order. Forward only; a released step never changes. */
export const migrations: readonly Migration[] = [ground];
