/**
 * `node tools/crash.ts [--kills 200] [--seed N] [--json FILE]`: kills a loaded server again and again and holds what it
 * kept against what it acknowledged (test/crash). Ends with 1 when anything was not as promised.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { crashRun } from '../test/crash/_run.ts';

const { values } = parseArgs({
  options: { kills: { type: 'string' }, seed: { type: 'string' }, json: { type: 'string' } },
});
const result = await crashRun({
  kills: Number(values.kills ?? 200),
  seed: Number(values.seed ?? Date.now() % 1_000_000),
  say: (line) => console.log(line),
});
console.log(JSON.stringify(result, undefined, 2));
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(result));
if (result.problems.length > 0) process.exitCode = 1;
