import type { Exchange } from '../../http/index.ts';
import { type Fault, parseAuthorization } from '../../kernel/index.ts';
import { type Refusal, toldBy } from '../refusal.ts';
import type { DataRoute } from './routes.ts';

/** What the plane knows of a request that it refuses. */
export interface RefusedRequest {
  /** The rights that were asked for. */
  readonly wanted: readonly string[];
  /** Whether a credential may stand in the body. */
  readonly takesForm: boolean;
  readonly status: number;
  /** Unix milliseconds. */
  readonly at: number;
}

/**
 * Makes the operator's record of a refused request, of whichever plane. Reads of the request what cannot hold a secret, see
 * `Refusal`.
 */
export function refusalOf(exchange: Exchange, fault: Fault, known: RefusedRequest): Refusal {
  const { facts } = exchange;
  const told = toldBy(fault);
  const form = parseAuthorization(exchange.header('authorization')).scheme;
  return {
    id: exchange.requestId,
    at: known.at,
    registry: facts.registry,
    listener: exchange.listener.name,
    address: exchange.address,
    actor: facts.actor === '' ? told.actor : facts.actor,
    signedIn: form === 'none' && known.takesForm && exchange.method === 'POST' ? 'form' : form,
    operation: facts.operation,
    method: exchange.method,
    repository: facts.repository,
    reference: facts.reference.slice(0, 200),
    wanted: known.wanted,
    status: known.status,
    rule: told.rule,
    because: told.because,
    cure: told.cure,
  };
}

/** The rights that a route of the data plane asks for. */
export function wantedOf({ access }: DataRoute): string[] {
  switch (access.kind) {
    case 'repository':
      return [access.action];
    case 'catalog':
      return ['catalog/read'];
    case 'signed-in':
    case 'token-endpoint':
      return [];
    default:
      return access satisfies never;
  }
}
