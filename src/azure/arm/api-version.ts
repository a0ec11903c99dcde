import { ArmError } from './provider.ts';

const grammar = /^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?:-[a-z]{1,20})?$/i;

/**
 * The version that a request asks for. Every well-formed one is taken: clients of one deployment send a dozen for the same
 * resource (AZ-WIRE T-ARM-11). Throws the refusals of Azure for one that is missing or malformed.
 */
export function parseApiVersion(query: URLSearchParams): string {
  const given = [...query].filter(([name]) => name.toLowerCase() === 'api-version').map(([, value]) => value);
  const [first] = given;
  if (first === undefined || first === '') {
    throw new ArmError(
      400,
      'MissingApiVersionParameter',
      'The query parameter api-version is missing; add for instance ?api-version=2024-11-01.',
    );
  }
  if (!grammar.test(first) || given.some((one) => one !== first)) {
    throw new ArmError(
      400,
      'InvalidApiVersionParameter',
      `The api-version '${given.join(', ').slice(0, 60)}' is none; it has the form YYYY-MM-DD or YYYY-MM-DD-preview.`,
    );
  }
  return first;
}
