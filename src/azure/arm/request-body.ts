import type { Exchange } from '../../http/index.ts';
import {
  Fault,
  isObject,
  type JsonObject,
  type JsonValue,
  parseStrictJson,
  StrictJsonError,
} from '../../kernel/index.ts';
import type { ArmOperation } from './contracts.ts';
import { ArmError } from './provider.ts';
import type { ValidateBody } from './validate.ts';

/** What a body may have at most; no request of any client comes near. */
const maxBodyBytes = 1024 * 1024;

/**
 * The body of a request in the form that its operation means: without read-only members, words of closed lists in their own
 * spelling. Members that no version knows are refused, because what is not kept must not look as if it were. Throws 400.
 */
export async function readArmBody(
  exchange: Exchange,
  operation: ArmOperation,
  validate: ValidateBody,
): Promise<JsonObject> {
  const bytes = await exchange.readBody(maxBodyBytes);
  // Clients post to actions without a body, and some with an empty object (AZ-WIRE T-ARM-5).
  if (operation.body === null) return {};
  const { body, problems, unknown } = await validate(operation, bytes.length === 0 ? undefined : parse(bytes));
  const details = [
    ...problems.map(({ path, message }) => ({ code: 'InvalidRequestContent', message, target: path })),
    ...unknown.slice(0, maxNamed).map((path) => ({
      code: 'UnknownProperty',
      message: `'${path}' is no property of this resource.`,
      target: path,
    })),
  ];
  const [first] = details;
  if (first !== undefined) {
    const more = details.length > 1 ? ` (and ${details.length - 1} more)` : '';
    const message = `The request content was invalid and could not be deserialized: ${first.message}${more}`;
    throw new ArmError(400, 'InvalidRequestContent', message, { target: first.target, details });
  }
  if (!isObject(body as JsonValue)) throw new Fault('request-invalid', 'the body must be a JSON object');
  return body as JsonObject;
}

/** Unknown members that an answer names. */
const maxNamed = 20;

function parse(bytes: Uint8Array): JsonValue {
  try {
    return parseStrictJson(bytes);
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    throw new ArmError(
      400,
      'InvalidRequestContent',
      `The request content was invalid and could not be deserialized: ${error.message}.`,
    );
  }
}
