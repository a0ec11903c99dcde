import type { Exchange } from '../../http/index.ts';
import { type Fault, parseAuthorization } from '../../kernel/index.ts';
import { type Refusal, toldBy } from '../refusal.ts';
import type { DataRoute } from './routes.ts';

/** Makes the operator's record of a refused request. Reads of the request what cannot hold a secret, see `Refusal`. */
export function refusalOf(
  exchange: Exchange,
  fault: Fault,
  known: { route: DataRoute | null; status: number; at: number },
): Refusal {
  const { facts } = exchange;
  const { route } = known;
  const told = toldBy(fault);
  const form = parseAuthorization(exchange.header('authorization')).scheme;
  return {
    id: exchange.requestId,
    at: known.at,
    registry: facts.registry,
    listener: exchange.listener.name,
    address: exchange.address,
    actor: facts.actor === '' ? told.actor : facts.actor,
    signedIn: form === 'none' && route?.access.kind === 'token-endpoint' && exchange.method === 'POST' ? 'form' : form,
    operation: facts.operation,
    method: exchange.method,
    repository: facts.repository,
    reference: facts.reference.slice(0, 200),
    wanted: route === null ? [] : wantedOf(route),
    status: known.status,
    rule: told.rule,
    because: told.because,
    cure: told.cure,
  };
}

function wantedOf({ access }: DataRoute): string[] {
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
