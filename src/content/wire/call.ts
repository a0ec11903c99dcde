import type { RequestContext } from '../../data/index.ts';
import type { BufferPool, Exchange, RouteParameters } from '../../http/index.ts';
import type {
  AskedScope,
  Authenticator,
  Decision,
  Principal,
  RegistryAccess,
  SignIns,
  TokenService,
} from '../../identity/index.ts';
import type { Clock, RepositoryName } from '../../kernel/index.ts';
import type { Blobs } from '../blobs.ts';
import type { Catalog } from '../catalog.ts';
import type { Manifests } from '../manifests.ts';
import type { Metadata } from '../metadata.ts';
import type { Pulls } from '../pulls.ts';
import type { Refusals } from '../refusals.ts';
import type { Registry } from '../registries.ts';
import type { Uploads } from '../uploads.ts';
import type { KeptAnswers } from './kept-answers.ts';
import type { RateLimits } from './rate-limits.ts';

/** What handlers may use. */
export interface DataPlaneServices {
  readonly authenticator: Authenticator;
  readonly tokens: TokenService;
  readonly signIns: Pick<SignIns, 'succeeded' | 'refused'>;
  readonly blobs: Blobs;
  readonly manifests: Manifests;
  readonly uploads: Uploads;
  readonly pulls: Pulls;
  /** Asked for each request before it goes the whole way. */
  readonly answers: KeptAnswers;
  readonly catalog: Catalog;
  readonly metadata: Metadata;
  readonly buffers: BufferPool;
  readonly manifestBytes: number;
  readonly rates: RateLimits;
  readonly refusals: Refusals;
  readonly clock: Clock;
}

/** A request on its way into a handler: routed, authenticated, decided. There is no other way to get one. */
export interface Call {
  readonly exchange: Exchange;
  readonly services: DataPlaneServices;
  readonly parameters: RouteParameters;
  readonly registry: Registry;
  readonly access: RegistryAccess;
  readonly decision: Decision;
  readonly principal: Principal;
  readonly context: RequestContext;
  /** The generation of the database in which the request began (see `KeptAnswers`). */
  readonly begun: number | undefined;
}

/** A call to something inside a repository, whose name has been parsed and decided upon. */
export interface RepositoryCall extends Call {
  readonly repository: RepositoryName;
}

/** A request to the token endpoints, which decide by themselves. */
export interface TokenCall {
  readonly exchange: Exchange;
  readonly services: DataPlaneServices;
  readonly access: RegistryAccess;
}

export type { AskedScope };
