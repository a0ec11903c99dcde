/**
 * `node tools/soak.ts [--minutes 10] [--seed N] [--json FILE]`: mixed load for a while, zero errors, and memory, handles
 * and files that do not grow (tools/soak/run.ts; what "grow" means stands in tools/soak/trend.ts). Ends with 1 otherwise.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Measure, trendText } from './soak/measures.ts';
import { soakRun } from './soak/run.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, json: { type: 'string' } },
});
const result = await soakRun({
  seconds: Number(values.minutes ?? 10) * 60,
  seed: Number(values.seed ?? Date.now() % 1_000_000),
  say: (line) => console.log(line),
});
const { seconds, seed, operations, tokens, samples, problems } = result;
console.log(`soak: ${seconds} s, seed ${seed}, ${operations} operations, ${samples} samples after the warm-up`);
console.log(`${tokens.tokens} tokens, ${tokens.refreshed} of them for a refresh token`);
for (const [name, trend] of Object.entries(result.trends)) console.log(`${name}: ${trendText(name as Measure, trend)}`);
for (const problem of problems) console.log(`PROBLEM ${problem}`);
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(result));
if (problems.length > 0) process.exitCode = 1;
