// Breaks the code on purpose, one small change at a time, and counts which changes the tests notice.
//   node scripts/mutants.mjs --sample 40 --seed 1 --jobs 2 [kernels engine nn optim train data digits run]
// Results go to coverage/mutants.jsonl, a line a mutant. Those that are there already are not tried again, unless
// their file or a test has changed since. --passing says that the tests are known to pass without a mutant, and saves
// finding out, group by group, which takes as long as some mutants do.
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { mutantsOf } from "./mutants/enumerate.mjs";
import { GROUPS } from "./mutants/groups.mjs";
import { Job } from "./mutants/job.mjs";
import { outcomesIn, stateOf } from "./mutants/log.mjs";

const LOG = "coverage/mutants.jsonl";
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: "string", default: "40" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: "2" },
    list: { type: "boolean", default: false },
    passing: { type: "boolean", default: false },
  },
});
const unknown = positionals.find((name) => !Object.hasOwn(GROUPS, name));
if (unknown) {
  console.error(`no group '${unknown}': expected some of ${Object.keys(GROUPS).join(", ")}`);
  process.exit(2);
}

/** Mulberry32: the sample is the same for a seed. */
function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function sampleOf({ folders, except }) {
  const files = execFileSync("git", ["ls-files", ...folders], { encoding: "utf8" })
    .split("\n")
    .filter((file) => file.endsWith(".ts") && !except?.test(file));
  const all = (await Promise.all(files.map(mutantsOf))).flat();
  const next = random(Number(values.seed));
  const keyed = all
    .map((mutant) => ({ key: next(), mutant: { ...mutant, ...state(mutant) } }))
    .sort((a, b) => a.key - b.key);
  return { of: all.length, sample: keyed.slice(0, Number(values.sample)).map(({ mutant }) => mutant) };
}

mkdirSync("coverage", { recursive: true });
const lines = existsSync(LOG) ? readFileSync(LOG, "utf8").split("\n").filter(Boolean) : [];
const known = outcomesIn(lines);
const state = stateOf();

const jobs = values.list ? [] : Array.from({ length: Number(values.jobs) }, () => new Job());
try {
  for (const name of positionals.length > 0 ? positionals : Object.keys(GROUPS)) {
    const group = GROUPS[name];
    const { of, sample } = await sampleOf(group);
    if (values.list) {
      for (const { file, line, mutator, replacement } of sample)
        console.log(`${file}:${line} ${mutator}: ${replacement.replace(/\s+/g, " ").slice(0, 80)}`);
      continue;
    }
    const results = sample.map((mutant) => known.get(mutant));
    if (!values.passing) await Promise.all(jobs.map((job) => job.check(group)));
    let at = 0;
    await Promise.all(
      jobs.map(async (job) => {
        while (at < sample.length) {
          const i = at++;
          if (results[i]) continue;
          const outcome = await job.try(group, sample[i]);
          results[i] = { ...sample[i], group: name, outcome };
          appendFileSync(LOG, `${JSON.stringify(results[i])}\n`);
          console.log(
            `${outcome.padEnd(8)} ${sample[i].file}:${sample[i].line} ${sample[i].mutator}: ${sample[i].replacement.replace(/\s+/g, " ").slice(0, 80)}`,
          );
        }
      }),
    );
    const valid = results.filter(({ outcome }) => outcome !== "invalid");
    const survived = valid.filter(({ outcome }) => outcome === "survived");
    console.log(
      `${name}: ${valid.length - survived.length} of ${valid.length} sampled mutants noticed (of ${of}); ${survived.length} survived`,
    );
  }
} finally {
  for (const job of jobs) job.end();
}
