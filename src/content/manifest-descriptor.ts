import { algorithmOf, type Digest, digestOf, isFault, type JsonValue, member, parseDigest } from '../kernel/index.ts';
import {
  expected,
  invalid,
  isAbsent,
  join,
  knownKeys,
  readAnnotations,
  readArray,
  readMediaType,
  readObject,
  readOptionalMediaType,
  refuseCaseVariants,
} from './manifest-member.ts';

/** For which machine an entry of an index is meant. A part that is left out is the empty string. */
export interface Platform {
  readonly architecture: string;
  readonly os: string;
}

/** A content descriptor (image-spec, "OCI Content Descriptors") whose every member has been checked. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform: Platform | null;
}

const descriptorKeys = knownKeys(
  'mediaType',
  'digest',
  'size',
  'urls',
  'annotations',
  'data',
  'artifactType',
  'platform',
);
const platformKeys = knownKeys('architecture', 'os', 'os.version', 'os.features', 'variant', 'features');
const maxUrls = 100;

/** Reads the descriptor at `path`; throws `manifest-invalid` with the path of the member that is wrong. */
export function readDescriptor(value: JsonValue | undefined, path: string): Descriptor {
  const object = readObject(value, path);
  refuseCaseVariants(object, path, descriptorKeys);
  const at = (key: string): [JsonValue | undefined, string] => [member(object, key), join(path, key)];
  const mediaType = readMediaType(...at('mediaType'));
  const digest = readDigest(...at('digest'));
  const size = readSize(...at('size'));
  checkUrls(...at('urls'));
  readAnnotations(...at('annotations'));
  readOptionalMediaType(...at('artifactType'));
  checkData(...at('data'), { digest, size });
  return { mediaType, digest, size, platform: readPlatform(...at('platform')) };
}

function readDigest(value: JsonValue | undefined, path: string): Digest {
  if (typeof value !== 'string') throw expected(path, 'a digest', value);
  try {
    return parseDigest(value);
  } catch (error) {
    throw isFault(error, 'digest-invalid', 'digest-unsupported') ? invalid(path, error.message, error) : error;
  }
}

function readSize(value: JsonValue | undefined, path: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw expected(path, 'a whole number of bytes', value);
  }
  return value === 0 ? 0 : value; // JSON can say -0
}

function checkUrls(value: JsonValue | undefined, path: string): void {
  if (isAbsent(value)) return;
  for (const [index, url] of readArray(value, path, maxUrls).entries()) {
    if (typeof url !== 'string') throw expected(`${path}[${index}]`, 'a string', url);
  }
}

/** Embedded content must be the content (image-spec, "Embedded Content"), or clients that use it see something else. */
function checkData(
  value: JsonValue | undefined,
  path: string,
  descriptor: { readonly digest: Digest; readonly size: number },
): void {
  if (isAbsent(value)) return;
  if (typeof value !== 'string') throw expected(path, 'a base64 string', value);
  const bytes = Buffer.from(value, 'base64');
  // Buffer skips what is not base64; only what encodes back to itself was all of it.
  if (bytes.toString('base64') !== value) throw invalid(path, 'padded base64 expected');
  if (bytes.length !== descriptor.size) {
    throw invalid(path, `${descriptor.size} bytes expected, as "size" says, found ${bytes.length}`);
  }
  const found = digestOf(bytes, algorithmOf(descriptor.digest));
  if (found !== descriptor.digest) throw invalid(path, `content of ${descriptor.digest} expected, found ${found}`);
}

function readPlatform(value: JsonValue | undefined, path: string): Platform | null {
  if (isAbsent(value)) return null;
  const object = readObject(value, path);
  refuseCaseVariants(object, path, platformKeys);
  return {
    architecture: readWord(member(object, 'architecture'), join(path, 'architecture')),
    os: readWord(member(object, 'os'), join(path, 'os')),
  };
}

function readWord(value: JsonValue | undefined, path: string): string {
  if (isAbsent(value)) return '';
  if (typeof value !== 'string') throw expected(path, 'a string', value);
  if (!/^[\x20-\x7e]{0,128}$/.test(value)) throw invalid(path, 'up to 128 printable ASCII characters expected');
  return value;
}
