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
 *   resource_group ── resource (what the resource manager shows), operation (what it was asked and goes on)
 *   account; application ─┬─ service_principal      who may sign in
 *                         └─ client_secret
 *   role_assignment (principal, role, scope); authorization_code, device_code, refresh_grant, sign_in
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
  resource: ResourceRow;
  operation: OperationRow;
  account: AccountRow;
  application: ApplicationRow;
  service_principal: ServicePrincipalRow;
  client_secret: ClientSecretRow;
  role_assignment: RoleAssignmentRow;
  authorization_code: AuthorizationCodeRow;
  device_code: DeviceCodeRow;
  refresh_grant: RefreshGrantRow;
  sign_in: SignInRow;
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

/**
 * A group of resources; the first start makes one. `key` is the name in lower case, `name` as it was first spelled. A group
 * that is `Deleting` takes nothing new; a `Deleted` one is not there any more.
 */
export interface ResourceGroupRow {
  key: string;
  name: string;
  location: string;
  tags: string;
  provisioning_state: 'Succeeded' | 'Deleting' | 'Deleted';
  created_ms: number;
  stamp: string;
}

/**
 * A resource as the resource manager shows it: what every type has, and in `properties` what only this face of it knows.
 * What the data plane reads stands in tables of its own. `key` is the id in lower case, `type` likewise.
 */
export interface ResourceRow {
  key: string;
  id: string;
  type: string;
  group_key: string;
  name: string;
  location: string;
  tags: string;
  sku: string | null;
  identity: string | null;
  properties: string;
  provisioning_state: string;
  etag: string;
  version: number;
  created_ms: number;
  created_by: string;
  created_by_type: string;
  modified_ms: number;
  modified_by: string;
  modified_by_type: string;
  stamp: string;
}

/** A long-running operation of the resource manager. `error` is the JSON of its error body. */
export interface OperationRow {
  id: string;
  kind: string;
  resource_key: string;
  /** Object id of who asked: only they may look at it. */
  principal_id: string;
  status: 'Running' | 'Succeeded' | 'Failed' | 'Canceled';
  error: string | null;
  created_ms: number;
  ended_ms: number | null;
}

/**
 * A user. `name_key` is the user principal name in lower case. What is made by signing in dies with its `credential_id`: a
 * new password is a new one, and so is the end of all sessions.
 */
export interface AccountRow {
  object_id: string;
  name: string;
  name_key: string;
  display_name: string;
  password_hash: string;
  credential_id: string;
  enabled: number;
  created_ms: number;
  stamp: string;
}

export interface ApplicationRow {
  object_id: string;
  app_id: string;
  display_name: string;
  identifier_uris: string;
  created_ms: number;
  stamp: string;
}

/** Who an application is in this tenant: it has the roles. A managed identity is one without application. */
export interface ServicePrincipalRow {
  object_id: string;
  app_id: string;
  kind: 'Application' | 'ManagedIdentity';
  display_name: string;
  enabled: number;
  /** Of a managed identity of one resource: the key of that resource. */
  resource_key: string | null;
  created_ms: number;
  stamp: string;
}

/** A secret that we made. It stands at the application or at its service principal; either way the application signs in. */
export interface ClientSecretRow {
  key_id: string;
  app_id: string;
  owner: 'application' | 'servicePrincipal';
  display_name: string;
  hint: string;
  hash: string;
  start_ms: number;
  end_ms: number;
}

/** `name` is a GUID that the client chose; `scope_key` is the scope in lower case. */
export interface RoleAssignmentRow {
  name: string;
  scope: string;
  scope_key: string;
  role_id: string;
  principal_id: string;
  principal_type: string;
  description: string | null;
  created_ms: number;
  created_by: string;
  updated_ms: number;
  updated_by: string;
  stamp: string;
}

/** A code of the sign-in page, by its hash; gone once it is used. */
export interface AuthorizationCodeRow {
  hash: string;
  client_id: string;
  redirect_uri: string;
  scope: string;
  nonce: string | null;
  challenge: string;
  account_id: string;
  credential_id: string;
  expires_ms: number;
}

/** A device that waits for somebody to sign in elsewhere; both codes by their hashes. */
export interface DeviceCodeRow {
  hash: string;
  user_code_hash: string;
  client_id: string;
  scope: string;
  state: 'pending' | 'approved' | 'declined';
  account_id: string | null;
  credential_id: string | null;
  polled_ms: number;
  expires_ms: number;
}

/**
 * A chain of refresh tokens: each use makes the next one, `generation` counts them, and an old one used again ends the
 * chain. The tokens follow from id and generation and the root key, so none is stored. `origin_hash` is that of the code it
 * began with: a code used twice ends the chain as well.
 */
export interface RefreshGrantRow {
  id: string;
  account_id: string;
  credential_id: string;
  client_id: string;
  generation: number;
  origin_hash: string | null;
  rotated_ms: number;
  created_ms: number;
  expires_ms: number;
  revoked_ms: number | null;
}

/** One try to sign in, refused or not. `error` is empty for a success. Holds no secret and no name that nobody has. */
export interface SignInRow {
  id: Generated<number>;
  at_ms: number;
  request_id: string;
  flow: string;
  principal_id: string;
  principal: string;
  client_id: string;
  resource: string;
  error: string;
  address: string;
  user_agent: string;
}

/** `resource_group` is the key of its group; `resource_key` leads to its row of the resource manager. */
export interface RegistryRow {
  id: Generated<number>;
  name: string;
  resource_group: string;
  resource_key: string;
  state: 'live' | 'deleted';
  sku: 'Basic' | 'Standard' | 'Premium';
  admin_enabled: number;
  anonymous_pull: number;
  is_default: number;
  /** Whether tokens for the resource manager open it as well as those for registries. */
  arm_tokens: number;
  /** Whether its content may leave it by import, export or transfer. */
  export_allowed: number;
  role_mode: 'LegacyRegistryPermissions' | 'AbacRepositoryPermissions';
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

/**
 * A token signing key of the registries or of the identity provider; the private part is sealed under the root key, and
 * gone once the key is retired. It is published before it signs.
 */
export interface SigningKeyRow {
  kid: string;
  purpose: 'registry' | 'directory';
  algorithm: string;
  public_jwk: string;
  sealed_private: string;
  created_ms: number;
  signs_from_ms: number;
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
