import { Command } from "commander";
import type { RegistryAccess } from "../sources/index.js";
import { NetbootError } from "../support/index.js";
import { CommandFailure } from "./command-failure.js";
import { createReporter } from "./create-reporter.js";
import { addRegistryOptions, type RegistryFlags, registryAccess } from "./registry-options.js";
import { resultLine, resultPaths } from "./result.js";
import { reportEvent } from "./serve-command.js";
import { withSignals } from "./signals.js";

const examples = `
Examples:
  The files of a release, for this machine's architecture:
    $ kairos-netboot extract quay.io/kairos/ubuntu:24.04-core-amd64-generic-v3.2.3 -o out/
  For another architecture:
    $ kairos-netboot extract quay.io/kairos/ubuntu:24.04-core-arm64-generic-v3.2.3 \\
        --platform linux/arm64 -o out/
  An image that a build has left in a directory, an archive, a daemon:
    $ kairos-netboot extract oci:build/image:latest -o out/
    $ kairos-netboot extract oci-archive:image.tar -o out/
    $ docker save my-kairos | kairos-netboot extract - -o out/
  Smaller, and slower to make:
    $ kairos-netboot extract IMAGE -o out/ --compression xz
  And boot the machines of this network from them, until Ctrl-C:
    $ sudo kairos-netboot extract IMAGE -o out/ --serve
  Several, each into a directory of its own below out/:
    $ kairos-netboot extract --from-file images.txt -o out/
  For a web server, with what machines are to become:
    $ kairos-netboot extract IMAGE -o out/ --url http://192.168.1.10/kairos --cloud-config cc.yaml
  From a registry that wants a password, through a mirror:
    $ kairos-netboot extract IMAGE -o out/ --username robot --password-stdin < secret \\
        --mirror quay.io=mirror.lan:5000
  In a pipeline:
    $ kairos-netboot extract IMAGE -o out/ --json | jq -r 'select(.type == "result").files[]'

The directory is made, or replaced as a whole, when everything is complete and verified. It then
holds NAME-kernel, NAME-initrd, NAME.squashfs, NAME.ipxe (a script for iPXE, which boots them from
any web server), netboot.json, provenance.json and SHA256SUMS. Where it holds just that already,
nothing is done.

Downloads that break off go on where they stopped, also in the next run. What was downloaded is
kept: see kairos-netboot cache --help.

Other sources, as skopeo spells them: oci:DIR[:TAG], oci-archive:FILE[:TAG], dir:DIR,
docker-archive:FILE[:NAME:TAG], docker-daemon:NAME[:TAG], and - for an archive on standard input.

Credentials are those of docker login and podman login, certificates those of certs.d, mirrors those
of registries.conf and the options; HTTPS_PROXY, HTTP_PROXY and NO_PROXY name proxies.`;

interface Flags extends RegistryFlags {
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
  retryFor: string;
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

export function extractCommand(): Command {
  const command = new Command("extract")
    .summary("make kernel, initrd and squashfs from an image")
    .description(
      "Pulls a Kairos container image layer by layer, takes out kernel and initrd, and builds the squashfs of its root file system. Needs no daemon and no root.",
    )
    .argument("[image...]", "registry reference (quay.io/kairos/…:tag), or another source")
    .option("-o, --output <dir>", "directory to make (required)")
    .option("--from-file <list>", "images to extract, one a line; - for standard input")
    .option("--platform <platform>", "linux/ARCH[/VARIANT] (default: this machine's)")
    .option("--name <name>", "common part of the file names (default: from the image)")
    .option("--kernel <path>", "kernel inside the image (default: the one that /boot means)")
    .option("--initrd <path>", "initrd inside the image (default: the one that /boot means)")
    .option("--compression <codec>", "zstd, gzip, xz, lz4 or lzo, and :LEVEL", "zstd:3")
    .option("--block-size <size>", "of the squashfs: 4K to 1M", "1M")
    .option("--cache-dir <dir>", "where downloads are kept (default: ~/.cache/kairos-netboot)")
    .option("--no-cache", "keep no downloads")
    .option("--retry-for <time>", "how long what fails is tried again: 90s, 2h, or 0", "5m")
    .option("--jobs <n>", "layers to fetch at once, processors to compress with (default: all)")
    .option("--force", "make the files again, also where they are there already")
    .option("--serve", "then do what serve does with the directory, and no options")
    .option("-q, --quiet", "print nothing but the result and errors")
    .option("-v, --verbose", "tell more, and where an error comes from")
    .option("--json", "print JSON lines on standard output")
    .helpOption("-h, --help", "explain the options")
    .optionsGroup("How machines boot:")
    .option("--url <base>", "where a web server will have the directory, for the script")
    .option("--cloud-config <file>", "put it beside the files, and name it in the script")
    .option("--cmdline <words>", "added to the kernel's command line")
    .option("--cmdline-replace <words>", "in the place of the release's own")
    .option(
      "--console <console>",
      "of the kernel, as ttyS1,115200; can be given again (default: tty1 and ttyS0)",
      (console: string, earlier: string[] = []) => [...earlier, console],
    )
    .optionsGroup("Further files:")
    .option("--iso", "also make an ISO that boots the release from its --url")
    .option("--ipxe-dir <dir>", "boot programs for the ISO, before those of Debian's packages")
    .option("--uki", "also make one EFI program for UEFI HTTP Boot, which knows the --url")
    .option("--uki-key <file>", "private key (PEM) that signs it for Secure Boot")
    .option("--uki-cert <file>", "certificate (PEM) of that key")
    .option("--sbom [format]", "list the image's packages: spdx (default) or cyclonedx")
    .optionsGroup("Signatures:")
    .option("--verify-key <file>", "refuse an image that this public key did not sign (cosign)")
    .option("--sign-key <file>", "sign SHA256SUMS with this private key")
    .addHelpText("after", examples)
    .action(run);
  return addRegistryOptions(command);
}

async function run(images: string[], flags: Flags): Promise<void> {
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
  flags: Flags,
): Promise<void> {
  const reporter = await createReporter(flags);
  const { extract } = await import("../extract/index.js");
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
    reporter.stop();
    process.stdout.write(flags.json ? resultLine(result) : resultPaths(result));
  } finally {
    reporter.stop();
  }
}

async function runSeveral(
  images: string[],
  output: string,
  options: SharedOptions,
  flags: Flags,
): Promise<void> {
  if (flags.name !== undefined) {
    throw new NetbootError(
      "USAGE_INVALID",
      "--name is for one image, and there are several.",
      "Leave it out: each has the name of its release.",
    );
  }
  const { runMany } = await import("./many-images.js");
  await withSignals((signal) => runMany({ ...options, images, output, signal }, flags));
}

async function listedImages(path: string): Promise<string[]> {
  const { readImageList } = await import("../extract/index.js");
  return readImageList(path);
}

type SharedOptions = ReturnType<typeof optionsOf>;

/** What holds for each image. */
function optionsOf(flags: Flags, registry: RegistryAccess) {
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
  const { requirePorts } = await import("../boot-server/index.js");
  await requirePorts({ directories: [directory] });
}

/** As `serve DIR` would. */
async function serveOutput(directory: string, flags: Flags): Promise<void> {
  const { serve } = await import("../boot-server/index.js");
  await withSignals((signal) =>
    serve({
      directories: [directory],
      signal,
      onEvent: (event) => reportEvent(event, flags),
    }),
  );
}

/** @throws NetbootError USAGE_INVALID where two things would be read from standard input */
function requireOneReader(images: readonly string[], { fromFile, passwordStdin }: Flags): void {
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
