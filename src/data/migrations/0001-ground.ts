import type { Migration } from '../../ports/index.ts';
import { dialectOf } from '../dialect.ts';

/** The ground: everything in `schema.ts`. */
export const ground: Migration = {
  version: 1,
  name: 'ground',
  statements(name) {
    const { text, bytes, bigint, serial } = dialectOf(name).column;
    return [
      `create table deployment (
        id ${text} primary key, incarnation ${text} not null, tenant_id ${text} not null, subscription_id ${text} not null,
        created_ms ${bigint} not null)`,
      `create table resource_group (
        key ${text} primary key, name ${text} not null, location ${text} not null, tags ${text} not null,
        provisioning_state ${text} not null, created_ms ${bigint} not null, stamp ${text} not null)`,
      `create index resource_group_deleting on resource_group (key) where provisioning_state = 'Deleting'`,
      `create table region (ordinal integer primary key, name ${text} not null unique, state ${text} not null, created_ms ${bigint} not null)`,

      `create table registry (
        id ${serial}, name ${text} not null, resource_group ${text} not null references resource_group (key),
        resource_key ${text} not null, state ${text} not null, sku ${text} not null, admin_enabled integer not null, anonymous_pull integer not null,
        is_default integer not null, arm_tokens integer not null, export_allowed integer not null, role_mode ${text} not null,
        created_ms ${bigint} not null, deleted_ms ${bigint}, stamp ${text} not null)`,
      `create unique index registry_name on registry (name) where state = 'live'`,
      `create unique index registry_of_resource on registry (resource_key) where state = 'live'`,

      `create table repository (
        id ${serial}, registry_id ${bigint} not null references registry (id), name ${text} not null, state ${text} not null,
        origin ${text} not null, created_ms ${bigint} not null, updated_ms ${bigint} not null, deleted_stamp ${text},
        locks integer not null, lock_stamps ${text} not null, unique (registry_id, name))`,
      `create index repository_listed on repository (registry_id, name) where state = 'live' and locks < 8`,

      `create table manifest (
        id ${serial}, repository_id ${bigint} not null references repository (id), digest ${text} not null,
        media_type ${text} not null, artifact_type ${text}, own_artifact_type ${text}, config_media_type ${text},
        subject_digest ${text}, annotations ${text}, architecture ${text}, os ${text},
        size ${bigint} not null, image_size ${bigint} not null, state ${text} not null,
        pushed_ms ${bigint} not null, updated_ms ${bigint} not null, pulled_ms ${bigint}, deleted_ms ${bigint},
        present_stamp ${text} not null, deleted_stamp ${text}, locks integer not null, lock_stamps ${text} not null,
        unique (repository_id, digest))`,
      `create index manifest_by_time on manifest (repository_id, updated_ms, digest) where state <> 'deleted'`,
      `create index manifest_referrers on manifest (repository_id, subject_digest, digest) where subject_digest is not null and state = 'live'`,

      `create table edge (
        repository_id ${bigint} not null, parent_id ${bigint} not null references manifest (id) on delete cascade,
        kind ${text} not null, child_digest ${text} not null, child_size ${bigint} not null,
        primary key (parent_id, kind, child_digest))${name === 'sqlite' ? ' without rowid' : ''}`,
      `create index edge_child on edge (repository_id, child_digest)`,

      `create table body (
        registry_id ${bigint} not null, kind ${text} not null, digest ${text} not null, codec ${text} not null, key_id ${text},
        bytes ${bytes} not null, primary key (registry_id, kind, digest))`,

      `create table tag (
        repository_id ${bigint} not null references repository (id), name ${text} not null, digest ${text},
        version ${bigint} not null, stamp ${text} not null, created_ms ${bigint} not null, updated_ms ${bigint} not null,
        locks integer not null, lock_stamps ${text} not null, primary key (repository_id, name))`,
      `create index tag_listed on tag (repository_id, name) where digest is not null and locks < 8`,
      `create index tag_by_time on tag (repository_id, updated_ms, name) where digest is not null`,
      `create index tag_by_digest on tag (repository_id, digest, name) where digest is not null`,

      `create table tag_history (
        repository_id ${bigint} not null, name ${text} not null, version ${bigint} not null, digest ${text} not null,
        from_ms ${bigint} not null, from_stamp ${text} not null, from_actor ${text} not null,
        to_ms ${bigint}, to_stamp ${text}, to_actor ${text}, end_cause ${text},
        primary key (repository_id, name, version))`,
      `create index tag_history_open on tag_history (repository_id, digest) where to_ms is null`,

      `create table blob (
        registry_id ${bigint} not null references registry (id), digest ${text} not null, size ${bigint} not null, state ${text} not null,
        lease_until_ms ${bigint} not null, created_ms ${bigint} not null, primary key (registry_id, digest))`,
      `create table blob_location (
        registry_id ${bigint} not null, digest ${text} not null, region_ordinal integer not null, store ${text} not null,
        location ${text} not null, codec ${text} not null, key_id ${text}, state ${text} not null,
        primary key (registry_id, digest, region_ordinal, store))`,
      `create index blob_location_object on blob_location (store, location) where location <> ''`,
      `create table repository_blob (
        repository_id ${bigint} not null references repository (id), digest ${text} not null, created_ms ${bigint} not null,
        primary key (repository_id, digest))${name === 'sqlite' ? ' without rowid' : ''}`,

      `create table upload (
        id ${text} primary key, registry_id ${bigint} not null, repository_id ${bigint} not null references repository (id), identity ${text} not null,
        algorithm ${text} not null, staged_key ${text}, tail ${bytes}, codec ${text} not null, key_id ${text}, received ${bigint} not null,
        created_ms ${bigint} not null, expires_ms ${bigint} not null)`,
      `create index upload_by_identity on upload (registry_id, identity)`,
      `create index upload_expiry on upload (expires_ms)`,
      `create table upload_ended (id ${text} primary key, expires_ms ${bigint} not null)`,
      `create index upload_ended_expiry on upload_ended (expires_ms)`,

      `create table hold (
        repository_id ${bigint} not null references repository (id), digest ${text} not null, holder ${text} not null, until_ms ${bigint},
        primary key (repository_id, digest, holder))`,
      `create table review (
        registry_id ${bigint} not null, repository_id ${bigint} not null, kind ${text} not null, digest ${text} not null,
        due_ms ${bigint} not null, reason ${text} not null, primary key (repository_id, kind, digest))`,
      `create index review_due on review (due_ms)`,

      `create table object_removal (
        store ${text} not null, location ${text} not null, queued_ms ${bigint} not null, primary key (store, location))`,
      `create table backup_hold (id ${text} primary key, until_ms ${bigint} not null)`,
      `create table check_run (
        id ${serial}, kind ${text} not null, registry_id ${bigint}, state ${text} not null, bytes_per_second ${bigint} not null,
        phase ${text} not null, cursor ${text} not null, blobs ${bigint} not null, manifests ${bigint} not null,
        bytes ${bigint} not null, restored ${bigint} not null, started_ms ${bigint} not null, ended_ms ${bigint},
        holder ${text} not null, lease_until_ms ${bigint} not null)`,
      `create unique index check_run_running on check_run (kind) where state = 'running'`,
      `create table check_finding (
        run_id ${bigint} not null references check_run (id) on delete cascade, kind ${text} not null,
        registry_id ${bigint} not null, digest ${text} not null, location ${text} not null, problem ${text} not null,
        detail ${text} not null, found_ms ${bigint} not null, primary key (run_id, kind, registry_id, digest, location))`,

      `create table change (
        id ${serial}, registry_id ${bigint} not null, n ${bigint}, origin ${text} not null, kind ${text} not null, kind_version integer not null,
        stamp ${text} not null, at_ms ${bigint} not null, repository ${text}, digest ${text}, tag ${text}, tag_version ${bigint},
        media_type ${text}, size ${bigint}, details ${text}, actor ${text} not null, request_id ${text} not null, host ${text} not null,
        method ${text} not null, user_agent ${text} not null, address ${text} not null, region_ordinal integer not null)`,
      `create unique index change_number on change (registry_id, n)`,
      `create index change_stamp on change (stamp)`,
      ...(name === 'postgres' ? [`create index change_unnumbered on change (id) where n is null`] : []),

      `create table refusal (
        id ${serial}, request_id ${text} not null unique, at_ms ${bigint} not null, registry ${text} not null, told ${text} not null)`,
      `create index refusal_by_time on refusal (at_ms)`,
      `create index refusal_of_registry on refusal (registry, id)`,

      `create table signing_key (
        kid ${text} primary key, purpose ${text} not null, algorithm ${text} not null, public_jwk ${text} not null, sealed_private ${text} not null,
        created_ms ${bigint} not null, signs_from_ms ${bigint} not null, retired_ms ${bigint})`,
      `create table admin_credential (
        registry_id ${bigint} not null references registry (id), name ${text} not null, credential_id ${text} not null,
        sealed ${text} not null, hash ${text} not null, created_ms ${bigint} not null, primary key (registry_id, name))`,
      `create table scope_map (
        id ${serial}, registry_id ${bigint} not null references registry (id), name ${text} not null, description ${text} not null,
        actions ${text} not null, created_ms ${bigint} not null, stamp ${text} not null, unique (registry_id, name))`,
      `create table token (
        id ${serial}, registry_id ${bigint} not null references registry (id), name ${text} not null,
        scope_map_id ${bigint} not null references scope_map (id), status ${text} not null, created_ms ${bigint} not null,
        stamp ${text} not null, unique (registry_id, name))`,
      `create index token_by_scope_map on token (scope_map_id)`,
      `create table token_password (
        token_id ${bigint} not null references token (id) on delete cascade, name ${text} not null, credential_id ${text} not null,
        hash ${text} not null, created_ms ${bigint} not null, expires_ms ${bigint}, primary key (token_id, name))`,

      `create table resource (
        key ${text} primary key, id ${text} not null, type ${text} not null, group_key ${text} not null references resource_group (key),
        name ${text} not null, location ${text} not null, tags ${text} not null, sku ${text}, identity ${text}, properties ${text} not null,
        provisioning_state ${text} not null, etag ${text} not null, version ${bigint} not null,
        created_ms ${bigint} not null, created_by ${text} not null, created_by_type ${text} not null,
        modified_ms ${bigint} not null, modified_by ${text} not null, modified_by_type ${text} not null, stamp ${text} not null)`,
      `create index resource_by_type on resource (type, key)`,
      `create index resource_of_group on resource (group_key, key)`,
      `create table operation (
        id ${text} primary key, kind ${text} not null, resource_key ${text} not null, principal_id ${text} not null, status ${text} not null,
        error ${text}, created_ms ${bigint} not null, ended_ms ${bigint})`,
      `create index operation_by_end on operation (ended_ms)`,
      `create index operation_running on operation (resource_key) where status = 'Running'`,

      `create table account (
        object_id ${text} primary key, name ${text} not null, name_key ${text} not null unique, display_name ${text} not null,
        password_hash ${text} not null, credential_id ${text} not null, enabled integer not null, created_ms ${bigint} not null,
        stamp ${text} not null)`,
      `create table application (
        object_id ${text} primary key, app_id ${text} not null unique, display_name ${text} not null, identifier_uris ${text} not null,
        created_ms ${bigint} not null, stamp ${text} not null)`,
      `create index application_by_name on application (lower(display_name), object_id)`,
      `create table service_principal (
        object_id ${text} primary key, app_id ${text} not null unique, kind ${text} not null, display_name ${text} not null,
        enabled integer not null, resource_key ${text}, created_ms ${bigint} not null, stamp ${text} not null)`,
      `create index service_principal_by_name on service_principal (lower(display_name), object_id)`,
      `create index service_principal_of_resource on service_principal (resource_key) where resource_key is not null`,
      `create table client_secret (
        key_id ${text} primary key, app_id ${text} not null, owner ${text} not null, display_name ${text} not null, hint ${text} not null,
        hash ${text} not null, start_ms ${bigint} not null, end_ms ${bigint} not null)`,
      `create index client_secret_of_application on client_secret (app_id)`,
      `create table role_assignment (
        name ${text} primary key, scope ${text} not null, scope_key ${text} not null, role_id ${text} not null, principal_id ${text} not null,
        principal_type ${text} not null, description ${text}, created_ms ${bigint} not null, created_by ${text} not null,
        updated_ms ${bigint} not null, updated_by ${text} not null, stamp ${text} not null, unique (principal_id, scope_key, role_id))`,
      `create index role_assignment_at on role_assignment (scope_key, name)`,
      `create table authorization_code (
        hash ${text} primary key, client_id ${text} not null, redirect_uri ${text} not null, scope ${text} not null, nonce ${text},
        challenge ${text} not null, account_id ${text} not null, credential_id ${text} not null, expires_ms ${bigint} not null)`,
      `create index authorization_code_expiry on authorization_code (expires_ms)`,
      `create table device_code (
        hash ${text} primary key, user_code_hash ${text} not null unique, client_id ${text} not null, scope ${text} not null,
        state ${text} not null, account_id ${text}, credential_id ${text}, polled_ms ${bigint} not null, expires_ms ${bigint} not null)`,
      `create index device_code_expiry on device_code (expires_ms)`,
      `create table refresh_grant (
        id ${text} primary key, account_id ${text} not null, credential_id ${text} not null, client_id ${text} not null,
        generation integer not null, origin_hash ${text}, rotated_ms ${bigint} not null, created_ms ${bigint} not null,
        expires_ms ${bigint} not null, revoked_ms ${bigint})`,
      `create index refresh_grant_of_origin on refresh_grant (origin_hash) where origin_hash is not null`,
      `create index refresh_grant_of_account on refresh_grant (account_id)`,
      `create index refresh_grant_expiry on refresh_grant (expires_ms)`,
      `create table sign_in (
        id ${serial}, at_ms ${bigint} not null, request_id ${text} not null, flow ${text} not null, principal_id ${text} not null,
        principal ${text} not null, client_id ${text} not null, resource ${text} not null, error ${text} not null, address ${text} not null,
        user_agent ${text} not null)`,
      `create index sign_in_by_time on sign_in (at_ms)`,
      `create index sign_in_of_principal on sign_in (principal_id, id)`,
      `create index sign_in_refused on sign_in (id) where error <> ''`,
    ];
  },
};
