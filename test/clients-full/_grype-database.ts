import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Shell } from '../clients/_shell.ts';
import { debianPackage } from './_debian-image.ts';

/** The one weakness that the scanner knows: in the package of the test image, mended one version later. */
export const weakness = { name: 'CVE-2099-0001', mendedIn: '1.2.3-5' };

/** What the layout of grype's database calls itself. */
const layout = { model: 6, revision: 1, addition: 4 };
const builtAt = '2099-01-01 00:00:00+00:00';

/**
 * A shell in which grype has a database of its own and asks nobody for another. Grype lays its tables out itself when it
 * imports a database that holds nothing but the name of the layout; the rows go into that one, which is imported again.
 */
export async function openGrype(shell: Shell): Promise<Shell> {
  const grype = shell.with({
    GRYPE_DB_CACHE_DIR: join(shell.home, 'grype'),
    GRYPE_DB_AUTO_UPDATE: 'false',
    GRYPE_DB_VALIDATE_AGE: 'false',
    GRYPE_CHECK_FOR_APP_UPDATE: 'false',
    GRYPE_REGISTRY_INSECURE_USE_HTTP: 'true',
  });
  const file = join(shell.home, 'made.db');
  withDatabase(file, (db) => {
    db.exec('create table db_metadata (build_timestamp datetime, model integer, revision integer, addition integer)');
    insert(db, 'db_metadata', { build_timestamp: builtAt, ...layout });
  });
  await grype.run('grype', ['db', 'import', file]);
  await grype.run('cp', [join('grype', String(layout.model), 'vulnerability.db'), file]);
  withDatabase(file, addWeakness);
  await grype.run('grype', ['db', 'import', file]);
  return grype;
}

function addWeakness(db: DatabaseSync): void {
  const { name, mendedIn } = weakness;
  const affected = {
    version: { type: 'dpkg', constraint: `< ${mendedIn}` },
    fix: { version: mendedIn, state: 'fixed' },
  };
  const severities = [{ scheme: 'CHMLN', value: 'high', rank: 1 }];
  insert(db, 'blobs', { id: 1, value: JSON.stringify({ id: name, description: 'made for a test', severities }) });
  insert(db, 'blobs', { id: 2, value: JSON.stringify({ cves: [name], ranges: [affected] }) });
  insert(db, 'providers', { id: 'debian', version: '1', processor: 'test', date_captured: builtAt, input_digest: '' });
  const release = { name: 'debian', release_id: 'debian', major_version: '12', minor_version: '' };
  insert(db, 'operating_systems', { id: 1, ...release, label_version: '', codename: '', channel: '' });
  insert(db, 'packages', { id: 1, ecosystem: 'deb', name: debianPackage.name });
  insert(db, 'vulnerability_handles', { id: 1, name, status: 'active', provider_id: 'debian', blob_id: 1 });
  const joins = { vulnerability_id: 1, operating_system_id: 1, package_id: 1 };
  insert(db, 'affected_package_handles', { id: 1, ...joins, blob_id: 2 });
}

function withDatabase(file: string, use: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(file);
  try {
    use(db);
  } finally {
    db.close();
  }
}

function insert(db: DatabaseSync, table: string, row: Readonly<Record<string, string | number>>): void {
  const columns = Object.keys(row);
  const marks = columns.map(() => '?').join(', ');
  db.prepare(`insert into ${table} (${columns.join(', ')}) values (${marks})`).run(...Object.values(row));
}
