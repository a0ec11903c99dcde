import { createHash } from 'node:crypto';
import { bytesNamed, random } from './_random.ts';

/** Bytes by number; made anew whenever they are needed. */
export interface Content {
  readonly digest: string;
  readonly size: number;
  bytes(): Buffer;
}

/** A manifest by number: an image, an index, or an artifact with a subject. */
export interface StockManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
  /** What has to be in the repository before. */
  readonly blobs: readonly Content[];
  readonly subject: string | null;
}

/** What a load pushes. The same seed and number always mean the same bytes. */
export interface Stock {
  content(number: number): Content;
  manifest(number: number): StockManifest;
}

const imageType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
/** Around 64 KiB lies the border between rows and files; above 1 MiB a body needs more than one batch. */
const sizes = [17, 700, 4096, 4097, 20_000, 65_535, 65_536, 65_537, 70_000, 150_000, 300_000, 1_048_577];

/** Layers are drawn from as many contents as there are manifests, so that images share them. */
export function stock(seed: number, largestBytes = 2_500_000): Stock {
  const contents = new Map<number, Content>();
  const manifests = new Map<number, StockManifest>();
  const usable = [...sizes, largestBytes].filter((size) => size <= largestBytes);

  const content = (number: number): Content => {
    let made = contents.get(number);
    if (!made) {
      const name = `content ${seed} ${number}`;
      const size = usable[number % usable.length] ?? 17;
      const bytes = (): Buffer => bytesNamed(name, size);
      made = { digest: digestOf(bytes()), size, bytes };
      contents.set(number, made);
    }
    return made;
  };

  const manifest = (number: number): StockManifest => {
    let made = manifests.get(number);
    if (!made) {
      made = make(number);
      manifests.set(number, made);
    }
    return made;
  };

  const make = (number: number): StockManifest => {
    const annotations = { number: `${seed} ${number}` };
    if (number > 1 && number % 5 === 0) {
      const children = [number - 1, number - 2].map((child) => descriptorOf(manifest(child)));
      return finished({ schemaVersion: 2, mediaType: indexType, manifests: children, annotations }, []);
    }
    const choice = random(seed * 7919 + number);
    // Drawn from the neighbourhood: whoever works on a window of numbers stays within it.
    const nearby = (): Content => content(Math.max(0, number - choice.below(20)));
    const config = nearby();
    const layers = Array.from({ length: 1 + choice.below(3) }, nearby);
    const subject = number > 1 && number % 7 === 0 ? manifest(number - 1) : null;
    return finished(
      {
        schemaVersion: 2,
        mediaType: imageType,
        ...(subject && { artifactType: 'application/vnd.example.note' }),
        config: { mediaType: 'application/octet-stream', digest: config.digest, size: config.size },
        layers: layers.map(({ digest, size }) => ({ mediaType: 'application/octet-stream', digest, size })),
        ...(subject && { subject: descriptorOf(subject) }),
        annotations,
      },
      [config, ...layers],
    );
  };

  return { content, manifest };
}

function finished(
  body: {
    readonly schemaVersion: 2;
    readonly mediaType: string;
    readonly subject?: { readonly digest: string };
    readonly [more: string]: unknown;
  },
  blobs: readonly Content[],
): StockManifest {
  const bytes = Buffer.from(JSON.stringify(body));
  const unique = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
  return {
    digest: digestOf(bytes),
    mediaType: body.mediaType,
    bytes,
    blobs: unique,
    subject: body.subject?.digest ?? null,
  };
}

function descriptorOf({ mediaType, digest, bytes }: StockManifest) {
  return { mediaType, digest, size: bytes.length };
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
