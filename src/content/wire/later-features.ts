import { Fault } from '../../kernel/index.ts';

/** Parts of Azure's data plane that this version does not have. No repository can have a name that makes such a path. */
const later: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^\/acr\/v1\/_deleted(?:\/|$)/, 'Soft delete is not there yet in this version of Berth'],
  [/^\/acr\/v1\/.+\/_(?:streaming|operations)(?:\/|$)/, 'Artifact streaming is not there yet in this version of Berth'],
  [
    /^\/helm\/v1(?:\/|$)/,
    'there is no chart repository of this old kind; push charts as artifacts, by helm push oci://',
  ],
];

/** Throws `unsupported` with its name for a path of a feature that this version does not have, whatever the method. */
export function refuseLaterFeature(path: string): void {
  const found = later.find(([pattern]) => pattern.test(path));
  if (found !== undefined) throw new Fault('unsupported', found[1]);
}
