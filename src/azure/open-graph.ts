import type { Exchange } from '../http/index.ts';
import type { GraphOptions } from './graph/graph-plane.ts';

export type { GraphOptions } from './graph/graph-plane.ts';

/** Loads the Graph plane: a start that nobody sends a request of the directory to does not. */
export async function openGraph(options: GraphOptions): Promise<(exchange: Exchange) => Promise<void>> {
  const { graphPlane } = await import('./graph/graph-plane.ts');
  return graphPlane(options);
}
