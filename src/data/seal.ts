/**
 * The one seam that every body column and every staged byte passes on its way in and out. Today it stores bytes as they
 * are (`plain`); customer keys will put their codec here and nothing else will change.
 */
export interface ContentSeal {
  /** What `blob_location.codec` and `body.codec` say about bytes stored now. */
  readonly codec: string;
  readonly keyId: string | null;
  /** Bytes of a row on their way in. */
  sealBody(registryId: number, bytes: Uint8Array): Uint8Array;
  /** Bytes of a row on their way out; throws when `codec` is not one this seal can open. */
  openBody(registryId: number, codec: string, keyId: string | null, bytes: Uint8Array): Uint8Array;
  /** Pieces of a staged object on their way to the blob store, at `position` of the clear bytes. */
  sealStaged(registryId: number, position: number, chunks: readonly Uint8Array[]): readonly Uint8Array[];
  /** Stored bytes of an object, or of what is staged for one, on their way out: in place, at `position` of the clear bytes. */
  openStaged(stored: StoredObject, position: number, bytes: Uint8Array): void;
}

/** How the bytes of an object were stored. */
export interface StoredObject {
  readonly registryId: number;
  readonly codec: string;
  readonly keyId: string | null;
}

/** The seal that stores bytes as they are. */
export const plainSeal: ContentSeal = {
  codec: 'plain',
  keyId: null,
  sealBody: (_registryId, bytes) => bytes,
  openBody(_registryId, codec, _keyId, bytes) {
    refuseOther(codec);
    return bytes;
  },
  sealStaged: (_registryId, _position, chunks) => chunks,
  openStaged: ({ codec }) => refuseOther(codec),
};

function refuseOther(codec: string): void {
  if (codec !== 'plain') throw new Error(`bytes are stored with codec "${codec}", which this version cannot open`);
}
