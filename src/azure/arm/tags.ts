import { isObject, type JsonValue } from '../../kernel/index.ts';
import { ArmError } from './provider.ts';

const maxTags = 50;
const maxNameLength = 512;
const maxValueLength = 256;

/**
 * Checks the tags of a resource or group: at most fifty, names unlike each other also in lower case, lengths and characters
 * as Azure has them. None for null and nothing. Throws 400.
 */
export function parseTags(tags: JsonValue | undefined): Readonly<Record<string, string>> {
  if (tags === undefined || tags === null) return {};
  if (!isObject(tags)) throw new ArmError(400, 'InvalidTags', 'The tags must be an object of names and texts.');
  const entries = Object.entries(tags);
  if (entries.length > maxTags) {
    throw new ArmError(400, 'TooManyTags', `There are ${entries.length} tags; the limit is ${maxTags}.`);
  }
  const names = new Set<string>();
  for (const [name, value] of entries) {
    const quoted = name.slice(0, 60);
    if (name === '' || name.length > maxNameLength || /[<>%&\\?/]|\p{Cc}/u.test(name)) {
      const rule = `1 to ${maxNameLength} characters, and none of < > % & \\ ? /`;
      throw new ArmError(400, 'InvalidTagName', `The tag name '${quoted}' is none: ${rule}.`);
    }
    if (typeof value !== 'string' || value.length > maxValueLength) {
      const rule = `text of at most ${maxValueLength} characters`;
      throw new ArmError(400, 'InvalidTagValue', `The value of tag '${quoted}' must be ${rule}.`);
    }
    if (names.has(name.toLowerCase())) {
      throw new ArmError(
        400,
        'InvalidTagName',
        `The tag name '${quoted}' is there twice; names do not differ by case.`,
      );
    }
    names.add(name.toLowerCase());
  }
  return tags as Readonly<Record<string, string>>;
}
