/** Holds the bodies of requests against the schemas of their operations. */
import { cleanBody, joinPath } from './clean-body.ts';
import type { ArmContracts, ArmOperation, ArmSchema } from './contracts.ts';
import type { SchemaEngine } from './schema-engine.ts';

/** One thing that is wrong with a body. */
export interface BodyProblem {
  /** Where: `properties.networkRuleSet.ipRules[0].value`; empty for the body as a whole. */
  readonly path: string;
  readonly expected: string;
  readonly found: string;
  /** All of it as a sentence for the client. */
  readonly message: string;
}

export interface BodyVerdict {
  /**
   * The body with read-only properties dropped and words in their right spelling; null stays null. Of meaning only when
   * there are no problems.
   */
  readonly body: unknown;
  /** What is wrong, at most twenty things. */
  readonly problems: readonly BodyProblem[];
  /** Paths of the properties that no version of the schema knows. They are still in the body. */
  readonly unknown: readonly string[];
}

/** Judges the body of a request, `undefined` for none. What it accepts need not make sense yet: limits of use-cases are theirs. */
export type ValidateBody = (operation: ArmOperation, body: unknown) => Promise<BodyVerdict>;

const maxProblems = 20;
const maxQuoted = 60;

/** Makes the judge. Library, schemas and each schema's code are brought when they are first needed. */
export function bodyValidator(contracts: ArmContracts): ValidateBody {
  const engines = new Map<string, Promise<SchemaEngine>>();
  return async (operation, body) => {
    const { namespace, body: name } = operation;
    if (name === null) return { body: undefined, problems: [], unknown: [] };
    if (body === undefined) return refusal('a JSON object', 'nothing');
    const schemas = await contracts.schemas(namespace);
    const schema = schemas[name];
    if (schema === undefined) throw new Error(`there is no schema "${name}" of ${namespace}`);
    const cleaned = cleanBody(body, schema, schemas);
    if (cleaned.isTooLarge) return refusal('a body of the size that a request needs', 'more than 20,000 values');
    const engine = await engineOf(namespace, contracts, engines);
    const errors = engine.errors(name, operation.method === 'PATCH' ? 'changes' : 'whole', cleaned.checked);
    const problems = new Map(
      errors.flatMap((error) => tell(error, cleaned.checked)).map((problem) => [problem.message, problem]),
    );
    return { body: cleaned.body, problems: [...problems.values()].slice(0, maxProblems), unknown: cleaned.unknown };
  };
}

/** The same engine for all requests; one that could not be made is made again at the next. */
function engineOf(
  namespace: string,
  contracts: ArmContracts,
  engines: Map<string, Promise<SchemaEngine>>,
): Promise<SchemaEngine> {
  const known = engines.get(namespace);
  if (known !== undefined) return known;
  const made = makeEngine(namespace, contracts).catch((error: unknown) => {
    engines.delete(namespace);
    throw error;
  });
  engines.set(namespace, made);
  return made;
}

async function makeEngine(namespace: string, contracts: ArmContracts): Promise<SchemaEngine> {
  const [{ schemaEngine }, schemas] = await Promise.all([import('./schema-engine.ts'), contracts.schemas(namespace)]);
  return schemaEngine(schemas);
}

function refusal(expected: string, found: string): BodyVerdict {
  return { body: undefined, problems: [problem('', expected, found)], unknown: [] };
}

type EngineError = ReturnType<SchemaEngine['errors']>[number];

/** Says an engine's error in words. One that only repeats others is left out. */
function tell(error: EngineError, body: unknown): BodyProblem[] {
  const path = pathOf(error.instancePath, body);
  const { limit, missingProperty, allowedValues } = error.params as Readonly<{
    limit?: number;
    missingProperty?: string;
    allowedValues?: readonly string[];
  }>;
  switch (error.keyword) {
    case 'if':
      return [];
    case 'required':
      return [missing(joinPath(path, missingProperty ?? ''))];
    case 'enum':
      return [problem(path, oneOf(allowedValues ?? []), describe(error.data))];
    case 'type':
      return [problem(path, kindOf((error.parentSchema as ArmSchema).type), kindFound(error.data))];
    case 'minLength':
      return [problem(path, `at least ${limit} characters`, describe(error.data))];
    case 'maxLength':
      return [problem(path, `at most ${limit} characters`, describe(error.data))];
    case 'minimum':
      return [problem(path, `a number not below ${limit}`, describe(error.data))];
    case 'maximum':
      return [problem(path, `a number not above ${limit}`, describe(error.data))];
    case 'pattern':
      return [problem(path, `text of the form ${String(error.schema)}`, describe(error.data))];
    case 'format':
      return [
        problem(
          path,
          error.schema === 'duration' ? 'a duration as P2D' : 'a time as 2026-01-31T12:00:00Z',
          describe(error.data),
        ),
      ];
    default:
      return [problem(path, error.message ?? error.keyword, describe(error.data))];
  }
}

function problem(path: string, expected: string, found: string): BodyProblem {
  const subject = path === '' ? 'The body' : `'${path}'`;
  return { path, expected, found, message: `${subject} must be ${expected}, and is ${found}.` };
}

function missing(path: string): BodyProblem {
  return { path, expected: 'a value', found: 'nothing', message: `'${path}' is required, and was not given.` };
}

function oneOf(words: readonly string[]): string {
  const quoted = words.map((word) => `'${word}'`);
  return quoted.length === 1 ? String(quoted[0]) : `one of ${quoted.join(', ')}`;
}

function kindOf(type: string | undefined): string {
  if (type === 'integer') return 'a whole number';
  if (type === 'array') return 'a list';
  if (type === 'object') return 'an object';
  if (type === 'boolean') return 'true or false';
  return type === 'number' ? 'a number' : 'text';
}

/** The kind only: a value of the wrong kind may be a secret in the wrong place. */
function kindFound(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'boolean') return 'true or false';
  return typeof value === 'number' ? 'a number' : 'text';
}

function describe(value: unknown): string {
  if (typeof value !== 'string') return typeof value === 'number' ? String(value) : kindFound(value);
  return `'${value.length > maxQuoted ? `${value.slice(0, maxQuoted)}…` : value}'`;
}

/** A pointer into a body as a path. Of a number only the body knows whether it is a place in a list. */
function pathOf(pointer: string, body: unknown): string {
  let path = '';
  let value = body;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    path = joinPath(path, Array.isArray(value) ? Number(key) : key);
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return path;
}
