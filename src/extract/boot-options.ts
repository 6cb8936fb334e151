import { checkedUrl } from "../artifacts/index.js";
import { readCloudConfig } from "../kairos/index.js";
import { sha256Hex, usageError } from "../support/index.js";

/** How machines are to boot what is made: these go into the script and the command line. */
export interface BootOptions {
  /** Address of the directory on a web server; without it the script finds its files beside itself. */
  url?: string | undefined;
  /** Words that are added to the kernel's command line. */
  commandLine?: string | undefined;
  /** Words in the place of the release's own; where the files are is still said. */
  commandLineReplacement?: string | undefined;
  /** Consoles of the kernel in the place of tty1 and ttyS0, as `ttyS1,115200`; the last is the main one. */
  consoles?: readonly string[] | undefined;
  /** A file that is put beside the others, and named in the script. */
  cloudConfig?: string | undefined;
}

export interface CheckedBootOptions {
  /** Without a slash at the end. */
  readonly url: string | undefined;
  readonly words: string | undefined;
  readonly replacement: string | undefined;
  readonly consoles: readonly string[];
  readonly cloudConfig: CloudConfigFile | undefined;
}

/** A cloud-config as it was when the extraction began. */
export interface CloudConfigFile {
  readonly bytes: Buffer;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** @throws NetbootError USAGE_INVALID, CLOUD_CONFIG_INVALID */
export async function checkBootOptions(options: BootOptions): Promise<CheckedBootOptions> {
  const { url, commandLine, commandLineReplacement, consoles = [], cloudConfig } = options;
  return {
    url: url === undefined ? undefined : checkedUrl(url),
    words: checkedWords(commandLine, "--cmdline"),
    replacement: checkedWords(commandLineReplacement, "--cmdline-replace"),
    consoles: consoles.map(checkedConsole),
    cloudConfig: cloudConfig === undefined ? undefined : await readCloudConfigFile(cloudConfig),
  };
}

async function readCloudConfigFile(path: string): Promise<CloudConfigFile> {
  const bytes = await readCloudConfig(path);
  return { bytes, sha256: sha256Hex(bytes) };
}

/** iPXE reads some words as its own, and knows no quotes. */
function checkedWords(text: string | undefined, flag: string): string | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  if (/[^\x20-\x7e\t]/.test(text)) {
    throw usageError(
      `${flag} holds what cannot stand on a kernel's command line.`,
      "Write one line.",
    );
  }
  const words = text.trim().split(/\s+/);
  const own = words.find((word) => ["||", "&&", ";"].includes(word) || word.startsWith("#"));
  if (own === undefined) return words.join(" ");
  throw usageError(`${flag} holds the word ${own}, which iPXE takes for itself.`, "Leave it out.");
}

function checkedConsole(text: string): string {
  const console = text.replace(/^console=/, "");
  if (/^[A-Za-z][\w.,:-]*$/.test(console)) return console;
  throw usageError(`--console ${text} is no console.`, "Write as for the kernel: ttyS0,115200n8");
}
