// Runs bits.js with this package in Node: `node node-bits.mjs '[{"threads": 2}]'` prints one result for each entry.
import * as wasmgrad from "wasmgrad";
import { train } from "./bits.js";

const results = [];
for (const how of JSON.parse(process.argv[2])) results.push(await train(wasmgrad, how));
console.log(JSON.stringify({ node: process.versions.node, results }));
