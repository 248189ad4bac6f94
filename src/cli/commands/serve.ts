import { fileURLToPath } from "node:url";
import { type Command, InvalidArgumentError, Option } from "commander";
import { COMMANDS } from "../command-names.ts";
import { withInterrupt } from "../interrupt.ts";
import { addCommonOptions, type CommonOptions, createCommand, perform } from "../main.ts";
import { wholeNumber } from "../options.ts";
import type { Output } from "../output.ts";
import { serveFolder } from "../serve/server.ts";

export interface ServeCommandOptions {
  readonly port: number;
  readonly isolation: boolean;
  readonly host?: string;
}

const DEFAULT_PORT = 8321;
/** What Vite makes of src/web: at the same depth from src/ and from dist/. */
const PAGE = fileURLToPath(new URL("../../../dist/web", import.meta.url));

export function serveCommand(): Command {
  const command = createCommand("serve", COMMANDS.serve.does)
    .optionsGroup("Server:")
    .addOption(
      new Option("--port <n>", "port on 127.0.0.1; 0 takes any that is free")
        .argParser(wholeNumber(0, 65_535))
        .default(DEFAULT_PORT),
    )
    .addOption(
      new Option(
        "--host <name>",
        "another name that the page is asked for by, where a proxy passes requests on (default: localhost, 127.0.0.1 and [::1] alone)",
      ).argParser(hostName),
    )
    .addOption(
      new Option(
        "--no-isolation",
        "leave out the headers that threads need, as static hosts do: the page then trains on one thread",
      ),
    );
  return addCommonOptions(command)
    .addHelpText("after", NOTES)
    .action((options: ServeCommandOptions & CommonOptions) =>
      perform(options, (output) => serve(options, output)),
    );
}

const NOTES = `
Open the address that is printed in a browser; Ctrl-C ends the server. Training
runs in the browser: pictures, drawings and models never leave it. The page's
folder, dist/web of the package, can be put on any static host; threads need
two headers there, which the README names.

Examples:
  wasmgrad serve
  wasmgrad serve --port 8000
  wasmgrad serve --port 0 --json`;

/** A name as a Host header has it, without a port. */
function hostName(text: string): string {
  if (!/^[\w.-]+$|^\[[\da-f:.]+\]$/i.test(text))
    throw new InvalidArgumentError("Expected a host's name without a port, such as page.example.org.");
  return text;
}

export async function serve({ port, isolation, host }: ServeCommandOptions, output: Output): Promise<void> {
  await withInterrupt(undefined, async (signal) => {
    const server = await serveFolder(PAGE, { port, isolation, host });
    output.print(`The page is at ${server.url} (Ctrl-C ends)`);
    output.document({ url: server.url });
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await server.close();
  });
}
