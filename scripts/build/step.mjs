// Steps that need no tool: node scripts/build/step.mjs abi|declarations FOLDER
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { abiSource } from "../abi.mjs";
import { dispatchSource } from "../dispatch.mjs";
import { writeDeclarations } from "../embed.mjs";

const [name, folder] = process.argv.slice(2);
if (name === "abi") {
  mkdirSync(join(folder, "src/engine"), { recursive: true });
  mkdirSync(join(folder, "assembly"), { recursive: true });
  const dispatch = dispatchSource();
  writeFileSync(join(folder, "assembly/dispatch.ts"), dispatch);
  writeFileSync(join(folder, "src/engine/abi.ts"), abiSource(undefined, dispatch));
} else writeDeclarations(join(folder, "build"));
