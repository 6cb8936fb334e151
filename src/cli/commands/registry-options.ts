import { type Command, Option } from "commander";
import type { RegistryAccess } from "../../sources/index.js";
import { usageError } from "../../support/index.js";

/** What commander makes of the options of `addRegistryOptions`. */
export interface RegistryFlags {
  authfile?: string;
  username?: string;
  passwordStdin?: boolean;
  tlsCa?: string;
  tlsCert?: string;
  tlsKey?: string;
  insecure?: string[];
  mirror?: string[];
}

const heading = "Registries:";
const longestPassword = 64 * 1024;

/** Adds the options of every command that reads from registries. */
export function addRegistryOptions(command: Command): Command {
  const options: [flags: string, description: string, isRepeatable?: true][] = [
    ["--authfile <file>", "credentials, looked into before those of docker and podman login"],
    ["--username <name>", "for the image's registry, with --password-stdin"],
    ["--password-stdin", "read the password from standard input"],
    ["--tls-ca <file>", "authorities to trust besides (PEM)"],
    ["--tls-cert <file>", "client certificate for the image's registry, with --tls-key"],
    ["--tls-key <file>", "see --tls-cert"],
    ["--insecure <host>", "let this HOST[:PORT] have invalid TLS or none (repeatable)", true],
    ["--mirror <host=mirror>", "look there first for images of HOST (repeatable)", true],
  ];
  for (const [flags, description, isRepeatable] of options) {
    const option = new Option(flags, description).helpGroup(heading);
    command.addOption(isRepeatable ? option.argParser(collect) : option);
  }
  return command;
}

function collect(value: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), value];
}

/**
 * What the flags say, for the library; reads the password if it is to come.
 * @throws NetbootError USAGE_INVALID
 */
export async function registryAccess(flags: RegistryFlags): Promise<RegistryAccess> {
  const { authfile, username, passwordStdin, tlsCa, tlsCert, tlsKey, insecure, mirror } = flags;
  if (passwordStdin && username === undefined) {
    throw usageError("--password-stdin needs a user name.", "Add --username NAME.");
  }
  if (username !== undefined && !passwordStdin) {
    throw usageError(
      "--username needs a password.",
      "Hand it over on standard input: --password-stdin < FILE.",
    );
  }
  const password = passwordStdin ? await readPassword() : undefined;
  return {
    authFile: authfile,
    username,
    password,
    tlsCa,
    tlsCert,
    tlsKey,
    insecure,
    mirrors: mirror,
  };
}

/** One line, without its end. */
async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) {
    throw usageError(
      "--password-stdin finds a terminal on standard input, which would show the password.",
      "Hand it over from a file or a program: --password-stdin < FILE.",
    );
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    length += chunk.length;
    if (length > longestPassword) {
      throw usageError("Standard input holds more than a password.", "Check what is handed over.");
    }
    chunks.push(chunk);
  }
  const password = Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, "");
  if (password === "") {
    throw usageError("Standard input holds no password.", "Check what is handed over.");
  }
  return password;
}
