import { setFlagsFromString } from "node:v8";
import type { RegistryAccess } from "../../sources/index.js";
import { NetbootError } from "../../support/index.js";
import { formatResultLine, formatResultPaths } from "../format/json-lines.js";
import { createReporter } from "../reporters/create-reporter.js";
import { CommandFailure } from "./command-failure.js";
import { type RegistryFlags, registryAccess } from "./registry-options.js";
import { reportEvent } from "./serve-command.js";
import { withSignals } from "./signals.js";

/** What commander makes of the options of `extract`. */
export interface ExtractFlags extends RegistryFlags {
  fromFile?: string;
  /** Checked here and not by commander, which would complain of it before a mistyped option. */
  output?: string;
  platform?: string;
  name?: string;
  kernel?: string;
  initrd?: string;
  compression: string;
  blockSize: string;
  sbom?: string | boolean;
  verifyKey?: string;
  signKey?: string;
  cacheDir?: string;
  cache: boolean;
  retryTimeout: string;
  jobs?: string;
  url?: string;
  cmdline?: string;
  cmdlineReplace?: string;
  console?: string[];
  cloudConfig?: string;
  iso?: boolean;
  ipxeDir?: string;
  uki?: boolean;
  ukiKey?: string;
  ukiCert?: string;
  force?: boolean;
  serve?: boolean;
  quiet?: boolean;
  verbose?: boolean;
  json?: boolean;
}

/** Does what the command line asks for. */
export async function runExtract(images: string[], flags: ExtractFlags): Promise<void> {
  // V8's young generation stays as small as it begins, and the old one about doubles before it is
  // cleared. For an image of 300,000 files this is a fifth less memory with Node 20 and a third less
  // with Node 24. (--optimize-for-size does the same, and clears ten times as often.)
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=110");
  try {
    const { output, fromFile } = flags;
    if (fromFile === undefined && images.length === 0) throw imageMissing();
    if (output === undefined) throw outputMissing();
    const listed = fromFile === undefined ? [] : await listedImages(fromFile);
    const [image, ...others] = [...images, ...listed];
    requireOneReader([image!, ...others], flags);
    const options = optionsOf(flags, await registryAccess(flags));
    // Before the long work, not after it.
    if (flags.serve) await ensureServing(output);
    const isOne = others.length === 0 && fromFile === undefined;
    if (isOne) await runOne(image!, output, options, flags);
    else await runSeveral([image!, ...others], output, options, flags);
    if (flags.serve) await serveOutput(output, flags);
  } catch (error) {
    throw new CommandFailure(error, flags);
  }
}

async function runOne(
  image: string,
  output: string,
  options: SharedOptions,
  flags: ExtractFlags,
): Promise<void> {
  const reporter = await createReporter(flags);
  const { extract } = await import("../../extract/index.js");
  try {
    const { name } = flags;
    const result = await withSignals((signal) =>
      extract({
        ...options,
        ...{ image, output, name, signal },
        onEvent: (event) => reporter.event(event),
      }),
    );
    reporter.done(result);
    process.stdout.write(flags.json ? formatResultLine(result) : formatResultPaths(result));
  } finally {
    reporter.stop();
  }
}

async function runSeveral(
  images: string[],
  output: string,
  options: SharedOptions,
  flags: ExtractFlags,
): Promise<void> {
  if (flags.name !== undefined) {
    throw new NetbootError(
      "USAGE_INVALID",
      "--name is for one image, and there are several.",
      "Leave it out: each has the name of its release.",
    );
  }
  const { runMany } = await import("./run-extract-many.js");
  await withSignals((signal) => runMany({ ...options, images, output, signal }, flags));
}

async function listedImages(path: string): Promise<string[]> {
  const { readImageList } = await import("../../extract/index.js");
  return readImageList(path);
}

type SharedOptions = ReturnType<typeof optionsOf>;

/** What holds for each image. */
function optionsOf(flags: ExtractFlags, registry: RegistryAccess) {
  const { quiet, verbose, json, serve, fromFile, output, name, ...others } = flags;
  const { cacheDir, jobs, cmdline, cmdlineReplace, console: consoles, ...more } = others;
  const { ipxeDir, ukiCert, ...same } = more;
  return {
    ...same,
    commandLine: cmdline,
    commandLineReplacement: cmdlineReplace,
    consoles,
    ipxeDirectory: ipxeDir,
    ukiCertificate: ukiCert,
    cacheDirectory: cacheDir,
    registry,
    // What is no number is refused where all options are checked.
    jobs: jobs === undefined ? undefined : Number(jobs),
  };
}

async function ensureServing(directory: string): Promise<void> {
  const { requirePorts } = await import("../../boot-server/index.js");
  await requirePorts({ directories: [directory] });
}

/** As `serve DIR` would. */
async function serveOutput(directory: string, flags: ExtractFlags): Promise<void> {
  const { serve } = await import("../../boot-server/index.js");
  await withSignals((signal) =>
    serve({
      directories: [directory],
      signal,
      onEvent: (event) => reportEvent(event, flags),
    }),
  );
}

/** @throws NetbootError USAGE_INVALID where two things would be read from standard input */
function requireOneReader(
  images: readonly string[],
  { fromFile, passwordStdin }: ExtractFlags,
): void {
  const readers = [
    images.includes("-") ? "the image -" : undefined,
    fromFile === "-" ? "--from-file -" : undefined,
    passwordStdin ? "--password-stdin" : undefined,
  ].filter((reader) => reader !== undefined);
  if (readers.length < 2) return;
  throw new NetbootError(
    "USAGE_INVALID",
    `Standard input cannot be ${readers.join(" and ")} at the same time.`,
    "Put one of them into a file.",
  );
}

function imageMissing(): NetbootError {
  return new NetbootError(
    "USAGE_INVALID",
    "There is no image to extract.",
    "Name one: kairos-netboot extract quay.io/kairos/ubuntu:24.04-core-amd64-generic-v3.2.3 -o out/",
  );
}

function outputMissing(): NetbootError {
  return new NetbootError(
    "USAGE_INVALID",
    "The option --output is missing: where shall the files go?",
    "Name a directory: -o out/",
  );
}
