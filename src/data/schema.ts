import type { Generated } from 'kysely';

/**
 * The rows of Berth, as Kysely sees them. The database is the truth; the blob store is bytes.
 *
 *   registry ─┬─ repository ─┬─ manifest ── edge (what keeps what alive)
 *             │              ├─ tag ── tag_history (closed intervals: undo, audit)
 *             │              ├─ repository_blob (a blob is readable only through it)
 *             │              └─ upload (session, bound to repository and identity)
 *             ├─ blob ── blob_location (one row per place)
 *             ├─ body (bytes of manifests and small blobs; sealed through one seam)
 *             ├─ change (the feed), review (may have become garbage), hold (in use)
 *             ├─ object_removal (objects no row names any more), backup_hold (what they wait for)
 *             ├─ check_run ── check_finding (are the stored bytes those that were pushed?)
 *             └─ admin_credential, scope_map ── token ── token_password
 *
 * Times are Unix milliseconds, booleans 0 and 1, stamps fixed-width text that compares bytewise, lists are JSON text.
 * Every mutable fact carries a stamp and a deletion is a row: regions merge by them.
 */
export interface Schema {
  deployment: DeploymentRow;
  region: RegionRow;
  resource_group: ResourceGroupRow;
  registry: RegistryRow;
  repository: RepositoryRow;
  manifest: ManifestRow;
  edge: EdgeRow;
  body: BodyRow;
  tag: TagRow;
  tag_history: TagHistoryRow;
  blob: BlobRow;
  blob_location: BlobLocationRow;
  repository_blob: RepositoryBlobRow;
  upload: UploadRow;
  upload_ended: UploadEndedRow;
  hold: HoldRow;
  review: ReviewRow;
  object_removal: ObjectRemovalRow;
  backup_hold: BackupHoldRow;
  check_run: CheckRunRow;
  check_finding: CheckFindingRow;
  change: ChangeRow;
  refusal: RefusalRow;
  signing_key: SigningKeyRow;
  admin_credential: AdminCredentialRow;
  scope_map: ScopeMapRow;
  token: TokenRow;
  token_password: TokenPasswordRow;
}

/**
 * One row: which deployment this database belongs to, its incarnation (a restored copy is another one), and the tenant and
 * subscription under which its resources have their ids.
 */
export interface DeploymentRow {
  id: string;
  incarnation: string;
  tenant_id: string;
  subscription_id: string;
  created_ms: number;
}

/** A region is a deployment with an ordinal; one region is just N = 1. */
export interface RegionRow {
  ordinal: number;
  name: string;
  state: 'active';
  created_ms: number;
}

/** A group of resources; the first start makes one. */
export interface ResourceGroupRow {
  name: string;
  location: string;
  created_ms: number;
}

export interface RegistryRow {
  id: Generated<number>;
  name: string;
  resource_group: string;
  state: 'live' | 'deleted';
  sku: 'Basic' | 'Standard' | 'Premium';
  admin_enabled: number;
  anonymous_pull: number;
  is_default: number;
  created_ms: number;
  deleted_ms: number | null;
  stamp: string;
}

/** `empty`: sessions or blobs but no manifest yet or any more; such a repository is not listed. */
export interface RepositoryRow {
  id: Generated<number>;
  registry_id: number;
  name: string;
  state: 'empty' | 'live' | 'deleted';
  origin: 'own' | 'cached' | 'replica';
  created_ms: number;
  updated_ms: number;
  deleted_stamp: string | null;
  locks: number;
  lock_stamps: string;
}

export interface ManifestRow {
  id: Generated<number>;
  repository_id: number;
  digest: string;
  media_type: string;
  artifact_type: string | null;
  own_artifact_type: string | null;
  config_media_type: string | null;
  subject_digest: string | null;
  annotations: string | null;
  architecture: string | null;
  os: string | null;
  size: number;
  image_size: number;
  state: 'live' | 'deleted' | 'missing' | 'quarantined' | 'condemned';
  pushed_ms: number;
  updated_ms: number;
  pulled_ms: number | null;
  deleted_ms: number | null;
  present_stamp: string;
  deleted_stamp: string | null;
  locks: number;
  lock_stamps: string;
}

/** parent → child inside one repository. The child may be absent (sparse index, late subject). */
export interface EdgeRow {
  repository_id: number;
  parent_id: number;
  kind: 'manifest' | 'config' | 'layer' | 'blob' | 'subject';
  child_digest: string;
  child_size: number;
}

/** Bytes kept in the database. `codec` and `key_id` say how the seal/open seam stored them. */
export interface BodyRow {
  registry_id: number;
  kind: 'manifest' | 'blob';
  digest: string;
  codec: string;
  key_id: string | null;
  bytes: Uint8Array;
}

/** A deleted tag stays as a row without digest. */
export interface TagRow {
  repository_id: number;
  name: string;
  digest: string | null;
  version: number;
  stamp: string;
  created_ms: number;
  updated_ms: number;
  locks: number;
  lock_stamps: string;
}

/** One interval in which a tag pointed to a digest; open while `to_ms` is null. */
export interface TagHistoryRow {
  repository_id: number;
  name: string;
  version: number;
  digest: string;
  from_ms: number;
  from_stamp: string;
  from_actor: string;
  to_ms: number | null;
  to_stamp: string | null;
  to_actor: string | null;
  end_cause: 'moved' | 'untagged' | 'manifest-deleted' | 'repository-deleted' | null;
}

export interface BlobRow {
  registry_id: number;
  digest: string;
  size: number;
  state: 'present' | 'missing' | 'condemned';
  lease_until_ms: number;
  created_ms: number;
}

/** `location` is the blob store's own name for the object; empty when the bytes are in `body`. */
export interface BlobLocationRow {
  registry_id: number;
  digest: string;
  region_ordinal: number;
  store: string;
  location: string;
  codec: string;
  key_id: string | null;
  state: 'present' | 'missing';
}

export interface RepositoryBlobRow {
  repository_id: number;
  digest: string;
  created_ms: number;
}

/** `tail` holds all bytes of a small session; a larger one has them staged in the blob store under `staged_key`. */
export interface UploadRow {
  id: string;
  registry_id: number;
  repository_id: number;
  identity: string;
  algorithm: string;
  staged_key: string | null;
  tail: Uint8Array | null;
  codec: string;
  key_id: string | null;
  received: number;
  created_ms: number;
  expires_ms: number;
}

/** A session that has ended while its id would still be good by itself. */
export interface UploadEndedRow {
  id: string;
  expires_ms: number;
}

export interface HoldRow {
  repository_id: number;
  digest: string;
  holder: string;
  until_ms: number | null;
}

/** Something that may have become garbage, to be judged when due. */
export interface ReviewRow {
  registry_id: number;
  repository_id: number;
  kind: 'manifest' | 'blob';
  digest: string;
  due_ms: number;
  reason: string;
}

/** An object that rows named once and none does now, to be removed when no backup copies. */
export interface ObjectRemovalRow {
  store: string;
  location: string;
  queued_ms: number;
}

/** A backup under way: while `until_ms` lies ahead, no object is removed that rows ever named. */
export interface BackupHoldRow {
  id: string;
  until_ms: number;
}

/** One pass over what is stored. `cursor` says how far `phase` has come; `holder` works at it until its lease ends. */
export interface CheckRunRow {
  id: Generated<number>;
  kind: 'fsck' | 'scrub';
  registry_id: number | null;
  state: 'running' | 'done' | 'stopped';
  bytes_per_second: number;
  phase: 'bodies' | 'blobs' | 'manifests' | 'objects' | 'settling';
  cursor: string;
  blobs: number;
  manifests: number;
  bytes: number;
  restored: number;
  started_ms: number;
  ended_ms: number | null;
  holder: string;
  lease_until_ms: number;
}

/** Something that a pass found. `location` is empty for what is in a row, `digest` for an object that nobody names. */
export interface CheckFindingRow {
  run_id: number;
  kind: 'blob' | 'manifest' | 'object';
  registry_id: number;
  digest: string;
  location: string;
  problem: 'damaged' | 'gone' | 'unreadable' | 'unreferenced';
  detail: string;
  found_ms: number;
}

/** The change feed. `n` numbers a registry's changes without gaps; null until the sequencer has seen it (PostgreSQL). */
export interface ChangeRow {
  id: Generated<number>;
  registry_id: number;
  n: number | null;
  origin: string;
  kind: string;
  kind_version: number;
  stamp: string;
  at_ms: number;
  repository: string | null;
  digest: string | null;
  tag: string | null;
  tag_version: number | null;
  media_type: string | null;
  size: number | null;
  details: string | null;
  actor: string;
  request_id: string;
  host: string;
  method: string;
  user_agent: string;
  address: string;
  region_ordinal: number;
}

/** A refused request and why, as JSON, for operators. Bounded by age and count, and not part of any promise. */
export interface RefusalRow {
  id: Generated<number>;
  request_id: string;
  at_ms: number;
  /** Name of the registry, empty where none was found: it stays readable when the registry is gone. */
  registry: string;
  told: string;
}

/** A token signing key; the private part is sealed under the root key. */
export interface SigningKeyRow {
  kid: string;
  algorithm: string;
  public_jwk: string;
  sealed_private: string;
  created_ms: number;
  retired_ms: number | null;
}

/** The two admin passwords of a registry: sealed (they must be shown again) and hashed (to compare). */
export interface AdminCredentialRow {
  registry_id: number;
  name: 'password' | 'password2';
  credential_id: string;
  sealed: string;
  hash: string;
  created_ms: number;
}

export interface ScopeMapRow {
  id: Generated<number>;
  registry_id: number;
  name: string;
  description: string;
  actions: string;
  created_ms: number;
  stamp: string;
}

export interface TokenRow {
  id: Generated<number>;
  registry_id: number;
  name: string;
  scope_map_id: number;
  status: 'enabled' | 'disabled';
  created_ms: number;
  stamp: string;
}

export interface TokenPasswordRow {
  token_id: number;
  name: 'password1' | 'password2';
  credential_id: string;
  hash: string;
  created_ms: number;
  expires_ms: number | null;
}
