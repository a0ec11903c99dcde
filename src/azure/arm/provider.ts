import type { RequestContext, ResourceRow } from '../../data/index.ts';
import type { Exchange } from '../../http/index.ts';
import type { Principal, Subject } from '../../identity/index.ts';
import type { Conditions, JsonObject, PlaneUrls, ResourceId } from '../../kernel/index.ts';

/**
 * What a resource provider gives to the front of the resource manager: which operations it serves, by the ids of the
 * contracts. An operation that no provider serves is refused as one that this version does not have.
 */
export interface ResourceProvider {
  /** For instance `Microsoft.ContainerRegistry`. */
  readonly namespace: string;
  /** Types it serves, for `GET /providers`. */
  readonly resourceTypes: readonly ResourceType[];
  readonly operations: Readonly<Record<string, ArmOperationHandler>>;
  /** How its resources go with their group, by their types as in `resourceTypes`. */
  readonly removers?: Readonly<Record<string, ResourceRemover>>;
}

/** How a resource of one type goes when its group is deleted. */
export interface ResourceRemover {
  /**
   * What stands against it, as a sentence for the caller; undefined where nothing does. Asked of every resource before the
   * first one goes, so that a group is not half gone when it is refused.
   */
  obstacle?(resource: ResourceRow): Promise<string | undefined>;
  /**
   * Deletes it with all that is below it, as its own DELETE does; the row of `resource` goes in the same transaction. One that
   * is not there any more is no error: after a crash it is asked again. A Fault or ArmError ends the deletion of the group.
   */
  remove(resource: ResourceRow, context: RequestContext): Promise<void>;
}

export interface ResourceType {
  /** Without the namespace: `registries`, `registries/webhooks`. */
  readonly type: string;
  /** Newest first; at least one is stable (AZ-WIRE T-ARM-11). */
  readonly apiVersions: readonly string[];
}

/** How one operation is served, and which right it needs. */
export interface ArmOperationHandler {
  /**
   * The right that is needed at the scope of the request, as role definitions name it; null where everybody who has signed
   * in may ask and the handler answers only what they may see.
   */
  readonly action: `Microsoft.${string}/${string}` | null;
  run(call: ArmCall): Promise<ArmAnswer>;
}

/** A request that the front has understood, authenticated, authorized and checked against its schema. */
export interface ArmCall {
  readonly exchange: Exchange;
  readonly operationId: string;
  /** Parameters of the path by the names of the contract, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The resource, group or subscription that the path names; for a collection what it stands in. */
  readonly scope: ResourceId;
  readonly apiVersion: string;
  /** The body without read-only members and with enumerations in their own spelling; empty where none came. */
  readonly body: JsonObject;
  readonly subject: Subject;
  /** The subject with its roles at `scope`. */
  readonly principal: Principal;
  /** If-Match and If-None-Match; what writes holds them against what it finds, by `requireConditions` in its transaction. */
  readonly conditions: Conditions;
  readonly context: RequestContext;
  readonly urls: PlaneUrls;
}

export interface ArmAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal in the words of the resource manager: `{"error":{"code","message","target","details"}}`. */
export class ArmError extends Error {
  override name = 'ArmError';
  readonly status: number;
  readonly code: string;
  readonly target: string | undefined;
  readonly details: readonly { readonly code: string; readonly message: string; readonly target?: string }[];

  constructor(
    status: number,
    code: string,
    message: string,
    more: { target?: string; details?: ArmError['details'] } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.target = more.target;
    this.details = more.details ?? [];
  }
}

/** Refuses a feature that this version does not have; `what` begins the sentence. */
export function notThereYet(what: string): ArmError {
  return new ArmError(400, 'FeatureNotSupported', `${what} is not there yet in this version of Berth`);
}
