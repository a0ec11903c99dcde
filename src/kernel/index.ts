export { type Authorization, parseAuthorization } from './authorization-header.ts';
export { type Clock, manualClock, systemClock } from './clock.ts';
export { type Conditions, etagMatches, ifRangeMatches, noConditions, requireConditions } from './conditional.ts';
export {
  algorithmOf,
  type Digest,
  type DigestAlgorithm,
  digestOf,
  looksLikeDigest,
  parseDigest,
  parseDigestAlgorithm,
  type RunningDigest,
  startDigest,
} from './digest.ts';
export { type Explanation, type OperatorOnly, operatorOnly, type SpecificRule } from './explanation.ts';
export { Fault, type FaultCode, type FaultDetail, isFault, type SpokenFault } from './fault.ts';
export { type ByteRange, parseContentRange, parseRange } from './http-ranges.ts';
export { type Ids, randomIds } from './ids.ts';
export { defaultPageLimit, maxPageLimit, type Page, parsePage } from './page.ts';
export { type PlaneUrls, planeUrls } from './plane-urls.ts';
export {
  isRepositoryName,
  maxRepositoryNameLength,
  parseReference,
  parseRepositoryName,
  parseTag,
  type Reference,
  type RepositoryName,
  type Tag,
} from './reference.ts';
export { type RegistryTier, registryTiers, type TierLimits } from './registry-tier.ts';
export { isWithin, parseResourceId, type ResourceId, type ResourceOfProvider, scopesAbove } from './resource-id.ts';
export { sameSecret } from './same-secret.ts';
export { parseScopes, type Scope } from './scope.ts';
export { parseStamp, type Stamp, type StampClock, stampClock } from './stamp.ts';
export { isObject, type JsonObject, type JsonValue, member, parseStrictJson, StrictJsonError } from './strict-json.ts';
