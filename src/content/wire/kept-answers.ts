import type { Exchange, ExchangeFacts } from '../../http/index.ts';
import type { Clock } from '../../kernel/index.ts';
import type { Database } from '../../ports/index.ts';
import type { Registry } from '../registries.ts';
import type { DataRouteId } from './routes.ts';

/** An answer that the whole way of a request led to: registry, route, identity, decision, look-up. */
export interface KeptAnswer {
  readonly registry: Registry;
  readonly route: DataRouteId;
  /** What the request turned out to be, for the access line. */
  readonly facts: ExchangeFacts;
  readonly status: number;
  /** Names and values in turn, without the correlation id, with the length. */
  readonly lines: readonly string[];
  /** Undefined for HEAD. */
  readonly body: Uint8Array | undefined;
  /** The manifest whose pull is to be noted; null for HEAD. */
  readonly pulled: number | null;
  /** When the credential behind it ends, Unix milliseconds; null for never. */
  readonly expiresAt: number | null;
}

/**
 * Answers to requests that come again and again, as when a cluster polls a tag. An answer follows from the request, from
 * rows and from the expiry of its credential, and from nothing else; so it is kept under everything of the request that
 * counts, for one generation of the database. After any acknowledged change every request goes the whole way again.
 */
export interface KeptAnswers {
  /** The answer that the same request got, if nothing can have changed since. */
  find(exchange: Exchange): KeptAnswer | undefined;
  /** The generation in which a request begins; to be asked before anything is read for it. */
  generation(): number | undefined;
  /** Keeps the answer, unless something was committed since the request began. */
  keep(exchange: Exchange, begun: number | undefined, answer: KeptAnswer): void;
}

/** Larger bodies cost more to send than to find. */
const maxBodyBytes = 64 * 1024;
/** About what an answer takes besides its body and its key. */
const overheadBytes = 1024;
/** Longer credentials and targets are not worth keeping. */
const maxKeyLength = 8 * 1024;

/**
 * Makes the memory, of about `maxBytes`; a full one is emptied. Where the database cannot tell its generation it stays
 * empty.
 */
export function keptAnswers(database: Pick<Database, 'generation'>, clock: Clock, maxBytes: number): KeptAnswers {
  let of: number | undefined;
  let held = 0;
  /** By credential, then by the rest, so that the long part is hashed alone. */
  let byCredential = new Map<string, Map<string, KeptAnswer>>();

  const forget = (generation: number | undefined): void => {
    of = generation;
    if (held === 0) return;
    byCredential = new Map();
    held = 0;
  };

  return {
    generation: () => database.generation(),
    find(exchange) {
      const generation = database.generation();
      if (generation === undefined) return undefined;
      if (generation !== of) {
        forget(generation);
        return undefined;
      }
      if (held === 0 || !mayBeKept(exchange)) return undefined;
      const answer = byCredential.get(exchange.request.headers.authorization ?? '')?.get(keyOf(exchange));
      if (answer === undefined || answer.expiresAt === null) return answer;
      return answer.expiresAt > clock.now() ? answer : undefined;
    },
    keep(exchange, begun, answer) {
      if (begun === undefined || database.generation() !== begun || !mayBeKept(exchange)) return;
      const credential = exchange.request.headers.authorization ?? '';
      const key = keyOf(exchange);
      const bodyBytes = answer.body?.length ?? 0;
      if (credential.length + key.length > maxKeyLength || bodyBytes > maxBodyBytes) return;
      const cost = overheadBytes + bodyBytes + 2 * (credential.length + key.length);
      if (cost > maxBytes) return;
      if (of !== begun || held + cost > maxBytes) forget(begun);
      let answers = byCredential.get(credential);
      if (!answers) {
        answers = new Map();
        byCredential.set(credential, answers);
      }
      answers.set(key, answer);
      held += cost;
    },
  };
}

/** Everything but the credential that an answer may depend on. */
function keyOf(exchange: Exchange): string {
  const { listener } = exchange;
  return `${exchange.method} ${listener.scheme} ${listener.network} ${listener.name} ${exchange.host} ${exchange.target}`;
}

/** Requests with a condition, a range or a body go the whole way. */
function mayBeKept(exchange: Exchange): boolean {
  const { headers, method } = exchange.request;
  return (
    (method === 'GET' || method === 'HEAD') &&
    headers['if-none-match'] === undefined &&
    headers['if-match'] === undefined &&
    headers.range === undefined &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined
  );
}
