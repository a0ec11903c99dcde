import { expect } from 'vitest';
import { registryAudience } from '../e2e/_azure.ts';
import type { Answer } from '../e2e/_client.ts';
import { descriptorOf, digestOf, imageOf, openUpload, pushBlob, pushImage } from '../e2e/_content.ts';
import { accessToken, postForm } from '../e2e/_tokens.ts';
import { type Effect, type Ground, unique } from './_ground.ts';

/** The route, and method, of ours that each operation of the content is. */
export const contentRoutes: Readonly<Record<string, string>> = {
  Authentication_ExchangeAadAccessTokenForAcrRefreshToken: 'oauth2.exchange POST',
  Authentication_ExchangeAcrRefreshTokenForAcrAccessToken: 'oauth2.token POST',
  Authentication_GetAcrAccessTokenFromLogin: 'oauth2.token GET',
  ContainerRegistryBlob_CancelUpload: 'v2.upload.cancel DELETE',
  ContainerRegistryBlob_CheckBlobExists: 'v2.blob.get HEAD',
  ContainerRegistryBlob_CompleteUpload: 'v2.upload.finish PUT',
  ContainerRegistryBlob_DeleteBlob: 'v2.blob.delete DELETE',
  ContainerRegistryBlob_GetBlob: 'v2.blob.get GET',
  ContainerRegistryBlob_GetUploadStatus: 'v2.upload.status GET',
  ContainerRegistryBlob_MountBlob: 'v2.upload.start POST',
  ContainerRegistryBlob_UploadChunk: 'v2.upload.append PATCH',
  ContainerRegistry_CheckDockerV2Support: 'v2.base GET',
  ContainerRegistry_CreateManifest: 'v2.manifest.put PUT',
  ContainerRegistry_DeleteManifest: 'v2.manifest.delete DELETE',
  ContainerRegistry_DeleteRepository: 'acr.repository.delete DELETE',
  ContainerRegistry_DeleteTag: 'acr.tag.delete DELETE',
  ContainerRegistry_GetManifest: 'v2.manifest.get GET',
  ContainerRegistry_GetManifestProperties: 'acr.manifest.get GET',
  ContainerRegistry_GetManifests: 'acr.manifests GET',
  ContainerRegistry_GetProperties: 'acr.repository.get GET',
  ContainerRegistry_GetRepositories: 'acr.catalog GET',
  ContainerRegistry_GetTagProperties: 'acr.tag.get GET',
  ContainerRegistry_GetTags: 'acr.tags GET',
  ContainerRegistry_UpdateManifestProperties: 'acr.manifest.update PATCH',
  ContainerRegistry_UpdateProperties: 'acr.repository.update PATCH',
  ContainerRegistry_UpdateTagAttributes: 'acr.tag.update PATCH',
};

async function ok(work: Promise<Answer>): Promise<Answer> {
  const answer = await work;
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer;
}

const json = async (work: Promise<Answer>): Promise<Record<string, unknown>> => (await ok(work)).json();

/** An image under the tag v1 of a repository of its own. */
async function image({ content }: Ground) {
  const repository = unique();
  const pushed = await pushImage(content, repository, 'v1', repository);
  return { ...pushed, repository, v1: `/acr/v1/${repository}` };
}

async function refreshToken({ azure, berth, content }: Ground): Promise<string> {
  const token = await azure.userToken(berth.operatorUser, registryAudience);
  const answer = await content('POST', '/oauth2/exchange', {
    body: new URLSearchParams({ grant_type: 'access_token', service: berth.address, access_token: token }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  expect(answer.status, answer.text).toBe(200);
  return String(answer.json()['refresh_token']);
}

const locked = { changeableAttributes: { writeEnabled: false } };

/** The content of a registry: what each operation does, read back. */
export const contentEffects: Readonly<Record<string, Effect>> = {
  async Authentication_ExchangeAadAccessTokenForAcrRefreshToken(ground) {
    const password = await refreshToken(ground);
    const guid = '00000000-0000-0000-0000-000000000000';
    const { address } = ground.berth;
    expect((await ground.berth.as({ username: guid, password })('GET', '/v2/')).status, address).toBe(200);
  },
  async Authentication_ExchangeAcrRefreshTokenForAcrAccessToken(ground) {
    const { repository } = await image(ground);
    const token = await json(
      postForm(ground.content, {
        grant_type: 'refresh_token',
        service: ground.berth.address,
        scope: `repository:${repository}:pull`,
        refresh_token: await refreshToken(ground),
      }),
    );
    await ok(ground.berth.bearer(String(token['access_token']))('GET', `/v2/${repository}/manifests/v1`));
  },
  async Authentication_GetAcrAccessTokenFromLogin(ground) {
    const { repository } = await image(ground);
    const token = await accessToken(ground.content, `repository:${repository}:pull`);
    await ok(ground.berth.bearer(token)('GET', `/v2/${repository}/manifests/v1`));
  },
  async ContainerRegistryBlob_CancelUpload({ content }) {
    const at = await openUpload(content, unique());
    await ok(content('DELETE', at));
    expect((await content('GET', at)).status).toBe(404);
  },
  async ContainerRegistryBlob_CheckBlobExists({ content }) {
    const repository = unique();
    const { digest, size } = await pushBlob(content, repository, repository);
    const head = await ok(content('HEAD', `/v2/${repository}/blobs/${digest}`));
    expect(Number(head.headers['content-length'])).toBe(size);
    expect((await content('HEAD', `/v2/${repository}/blobs/${digestOf('none')}`)).status).toBe(404);
  },
  async ContainerRegistryBlob_CompleteUpload({ content }) {
    const repository = unique();
    const at = await openUpload(content, repository);
    const { digest } = descriptorOf(repository);
    await ok(content('PUT', `${at}${at.includes('?') ? '&' : '?'}digest=${digest}`, { body: repository }));
    expect((await ok(content('GET', `/v2/${repository}/blobs/${digest}`))).text).toBe(repository);
  },
  async ContainerRegistryBlob_DeleteBlob({ content }) {
    const repository = unique();
    const { digest } = await pushBlob(content, repository, repository);
    await ok(content('DELETE', `/v2/${repository}/blobs/${digest}`));
    expect((await content('GET', `/v2/${repository}/blobs/${digest}`)).status).toBe(404);
  },
  async ContainerRegistryBlob_GetBlob({ content }) {
    const repository = unique();
    const { digest } = await pushBlob(content, repository, repository);
    expect((await ok(content('GET', `/v2/${repository}/blobs/${digest}`))).text).toBe(repository);
  },
  async ContainerRegistryBlob_GetUploadStatus({ content }) {
    const at = await openUpload(content, unique());
    const appended = await ok(content('PATCH', at, { body: 'twelve bytes' }));
    expect((await ok(content('GET', String(appended.headers.location)))).headers['range']).toBe('0-11');
  },
  async ContainerRegistryBlob_MountBlob({ content }) {
    const [from, to] = [unique(), unique()];
    const { digest } = await pushBlob(content, from, from);
    const mounted = await content('POST', `/v2/${to}/blobs/uploads/?mount=${digest}&from=${from}`);
    expect(mounted.status).toBe(201);
    expect((await ok(content('GET', `/v2/${to}/blobs/${digest}`))).text).toBe(from);
  },
  async ContainerRegistryBlob_UploadChunk({ content }) {
    const repository = unique();
    const appended = await ok(content('PATCH', await openUpload(content, repository), { body: 'one ' }));
    const again = await ok(content('PATCH', String(appended.headers.location), { body: 'two' }));
    const at = String(again.headers.location);
    await ok(content('PUT', `${at}${at.includes('?') ? '&' : '?'}digest=${digestOf('one two')}`));
    expect((await ok(content('GET', `/v2/${repository}/blobs/${digestOf('one two')}`))).text).toBe('one two');
  },
  async ContainerRegistry_CheckDockerV2Support({ berth, content }) {
    const answer = await ok(content('GET', '/v2/'));
    expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0');
    expect((await berth.nobody('GET', '/v2/')).status).toBe(401);
  },
  async ContainerRegistry_CreateManifest(ground) {
    const { repository, digest } = await image(ground);
    const got = await ok(ground.content('GET', `/v2/${repository}/manifests/v1`));
    expect([got.json(), got.headers['docker-content-digest']]).toEqual([imageOf(repository), digest]);
  },
  async ContainerRegistry_DeleteManifest(ground) {
    const { repository, digest } = await image(ground);
    await ok(ground.content('DELETE', `/v2/${repository}/manifests/${digest}`));
    expect((await ground.content('GET', `/v2/${repository}/manifests/${digest}`)).status).toBe(404);
  },
  async ContainerRegistry_DeleteRepository(ground) {
    const { repository, v1 } = await image(ground);
    await ok(ground.content('DELETE', v1));
    expect((await ground.content('GET', `/v2/${repository}/manifests/v1`)).status).toBe(404);
  },
  async ContainerRegistry_DeleteTag(ground) {
    const { repository, digest, v1 } = await image(ground);
    await ok(ground.content('DELETE', `${v1}/_tags/v1`));
    expect((await ground.content('GET', `/v2/${repository}/manifests/v1`)).status).toBe(404);
    await ok(ground.content('GET', `/v2/${repository}/manifests/${digest}`));
  },
  async ContainerRegistry_GetManifest(ground) {
    const { repository, bytes, digest } = await image(ground);
    expect((await ok(ground.content('GET', `/v2/${repository}/manifests/${digest}`))).body).toEqual(bytes);
  },
  async ContainerRegistry_GetManifestProperties(ground) {
    const { digest, v1 } = await image(ground);
    expect(await json(ground.content('GET', `${v1}/_manifests/${digest}`))).toMatchObject({
      manifest: { digest, tags: ['v1'] },
    });
  },
  async ContainerRegistry_GetManifests(ground) {
    const { digest, v1 } = await image(ground);
    expect(await json(ground.content('GET', `${v1}/_manifests`))).toMatchObject({ manifests: [{ digest }] });
  },
  async ContainerRegistry_GetProperties(ground) {
    const { repository, v1 } = await image(ground);
    expect(await json(ground.content('GET', v1))).toMatchObject({
      imageName: repository,
      manifestCount: 1,
      tagCount: 1,
    });
  },
  async ContainerRegistry_GetRepositories(ground) {
    const { repository } = await image(ground);
    const { repositories } = await json(ground.content('GET', '/acr/v1/_catalog?n=1000'));
    expect(repositories).toContain(repository);
  },
  async ContainerRegistry_GetTagProperties(ground) {
    const { digest, v1 } = await image(ground);
    expect(await json(ground.content('GET', `${v1}/_tags/v1`))).toMatchObject({ tag: { name: 'v1', digest } });
  },
  async ContainerRegistry_GetTags(ground) {
    const { digest, v1 } = await image(ground);
    expect(await json(ground.content('GET', `${v1}/_tags`))).toMatchObject({ tags: [{ name: 'v1', digest }] });
  },
  async ContainerRegistry_UpdateManifestProperties(ground) {
    const { digest, v1 } = await image(ground);
    const path = `${v1}/_manifests/${digest}`;
    await ok(ground.content('PATCH', path, { body: '{"writeEnabled":false}' }));
    expect(await json(ground.content('GET', path))).toMatchObject({ manifest: locked });
  },
  async ContainerRegistry_UpdateProperties(ground) {
    const { repository, v1 } = await image(ground);
    await ok(ground.content('PATCH', v1, { body: '{"writeEnabled":false}' }));
    expect(await json(ground.content('GET', v1))).toMatchObject(locked);
    expect((await ground.content('POST', `/v2/${repository}/blobs/uploads/`)).status).toBe(405);
  },
  async ContainerRegistry_UpdateTagAttributes(ground) {
    const { v1 } = await image(ground);
    await ok(ground.content('PATCH', `${v1}/_tags/v1`, { body: '{"writeEnabled":false}' }));
    expect(await json(ground.content('GET', `${v1}/_tags/v1`))).toMatchObject({ tag: locked });
  },
};
