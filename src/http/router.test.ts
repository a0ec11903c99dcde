import { describe, expect, it } from 'vitest';
import { compileRoutes } from './router.ts';

const routes = [
  { id: 'base', methods: ['GET'], pattern: '/v2/' },
  { id: 'catalog', methods: ['GET'], pattern: '/v2/_catalog' },
  { id: 'upload', methods: ['POST'], pattern: '/v2/{name*}/blobs/uploads' },
  { id: 'session', methods: ['GET', 'PATCH'], pattern: '/v2/{name*}/blobs/uploads/{id}' },
  { id: 'blob', methods: ['GET', 'HEAD'], pattern: '/v2/{name*}/blobs/{digest}' },
  { id: 'manifest', methods: ['GET', 'PUT'], pattern: '/v2/{name*}/manifests/{reference}' },
] as const;
const match = compileRoutes(routes);

function matched(method: string, path: string): unknown {
  const result = match(method, path);
  return result.kind === 'match' ? [result.route.id, result.parameters] : result;
}

describe('router', () => {
  it('matches names with slashes from the right end', () => {
    expect(matched('GET', '/v2/a/b/c/manifests/latest')).toEqual(['manifest', { name: 'a/b/c', reference: 'latest' }]);
    expect(matched('GET', '/v2/a/blobs/uploads/manifests/x')).toEqual([
      'manifest',
      { name: 'a/blobs/uploads', reference: 'x' },
    ]);
    expect(matched('PUT', '/v2/manifests/manifests/manifests')).toEqual([
      'manifest',
      { name: 'manifests', reference: 'manifests' },
    ]);
  });

  it('undoes percent-encoding once', () => {
    expect(matched('GET', '/v2/lab%2Fapp/manifests/sha256%3Aab')).toEqual([
      'manifest',
      { name: 'lab/app', reference: 'sha256:ab' },
    ]);
    expect(matched('GET', '/v2/a%252Fb/manifests/x')).toEqual(['manifest', { name: 'a%2Fb', reference: 'x' }]);
  });

  it('folds double and trailing slashes', () => {
    expect(matched('GET', '//v2//')).toEqual(['base', {}]);
    expect(matched('GET', '/v2')).toEqual(['base', {}]);
    expect(matched('POST', '/v2/a/blobs/uploads/')).toEqual(['upload', { name: 'a' }]);
  });

  it('lets the first pattern that fits decide what a path means', () => {
    expect(matched('GET', '/v2/a/blobs/uploads')).toEqual({ kind: 'method', allowed: ['POST'] });
  });

  it('tells a wrong method from an unknown path', () => {
    expect(matched('DELETE', '/v2/_catalog')).toEqual({ kind: 'method', allowed: ['GET'] });
    expect(matched('GET', '/v3/')).toEqual({ kind: 'none' });
    expect(matched('GET', '/v2/a%zz/manifests/x')).toEqual({ kind: 'none' });
  });
});
