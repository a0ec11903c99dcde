import { digestOf } from '../kernel/index.ts';
import { randomNumbers } from './_random-numbers.ts';
import { app, bodyOf, by, bytesOf, repo, type useCases } from './_world.ts';

type Process = Pick<
  ReturnType<typeof useCases>,
  | 'pushImage'
  | 'pushIndex'
  | 'pushBlob'
  | 'putManifest'
  | 'imageOf'
  | 'untag'
  | 'removeManifest'
  | 'removeRepository'
  | 'lock'
  | 'blobs'
  | 'registry'
  | 'find'
  | 'start'
  | 'uploads'
>;

/** Does what users do, in an order that the seed decides, several at once. Answers what was refused and what was done. */
export async function randomWorkload(
  processes: readonly Process[],
  options: { readonly seed: number; readonly operations: number; readonly parallel: number },
): Promise<{ readonly refused: unknown[]; readonly done: number }> {
  const next = randomNumbers(options.seed);
  const repositories = [app, repo('team/second')];
  const refused: unknown[] = [];
  let done = 0;
  let left = options.operations;

  const oneOperation = async (): Promise<unknown> => {
    const process = processes[next(processes.length)] as Process;
    const repository = repositories[next(repositories.length)] ?? app;
    const name = `v${next(4)}`;
    const size = [20, 70_000][next(2)] ?? 20;
    const layer = bytesOf(`layer ${next(4)}`, size);
    const switches = { writeEnabled: next(4) > 0, deleteEnabled: next(4) > 0 };
    switch (next(14)) {
      case 0:
      case 1:
      case 2:
        return process.pushImage(repository, { layers: [layer], tag: name });
      case 3:
        return process.putManifest(repository, await process.imageOf(repository, { layers: [layer] }), {
          tags: [name, `v${next(4)}`],
        });
      case 4:
        return process.pushIndex(repository, [(await process.find(repository, name)).digest], `i${next(2)}`);
      case 5:
      case 6:
        return process.untag(repository, name);
      case 7:
        return process.removeManifest(repository, (await process.find(repository, name)).digest);
      case 8:
        return next(4) === 0 ? process.removeRepository(repository) : process.pushBlob(repository, layer);
      case 9:
        return process.lock(repository, { kind: 'tag', key: name }, switches);
      case 10:
        return process.lock(
          repository,
          { kind: 'repository' },
          { deleteEnabled: next(2) > 0, writeEnabled: next(12) > 0 },
        );
      case 11:
        return process.blobs.remove(by('cleaner'), process.registry, repository, digestOf(layer));
      case 12:
        return process.blobs.mount(process.registry, repository, digestOf(layer), { from: null, mayRead: () => true });
      default: {
        const session = await process.start(repository);
        await process.uploads.append(session, bodyOf(layer));
        return process.uploads.cancel(session);
      }
    }
  };

  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      try {
        await oneOperation();
        done += 1;
      } catch (error) {
        refused.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, worker));
  return { refused, done };
}
