import { type Command, Option } from "commander";
import type { RegistryAccess } from "../../sources/index.js";
import { usageError } from "../../support/index.js";
import { repeatableOption } from "./repeatable-option.js";

/** The values of the options that `addRegistryOptions` adds. */
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

const helpGroup = "Registries:";
const maxPasswordBytes = 64 * 1024;
const passwordHint = "Check the file or the program that --password-stdin reads.";

/** Adds the options of every command that reads from registries. */
export function addRegistryOptions(command: Command): Command {
  const options = [
    new Option("--authfile <file>", "credentials file, used before those of docker and podman"),
    new Option("--username <name>", "user name for the image's registry"),
    new Option("--password-stdin", "read the password for --username from standard input"),
    new Option("--tls-ca <file>", "additional certificate authorities to trust (PEM)"),
    new Option("--tls-cert <file>", "client certificate for the image's registry (PEM)"),
    new Option("--tls-key <file>", "private key of the client certificate (PEM)"),
    repeatableOption("--insecure <host>", "allow plain HTTP and any certificate for HOST[:PORT]"),
    repeatableOption("--mirror <host=mirror>", "pull images of HOST from MIRROR first"),
  ];
  for (const option of options) command.addOption(option.helpGroup(helpGroup));
  return command;
}

/**
 * The flags as options of the library; reads the password from standard input if asked to.
 * @throws NetbootError USAGE_INVALID
 */
export async function registryAccess(flags: RegistryFlags): Promise<RegistryAccess> {
  const { authfile, username, passwordStdin, tlsCa, tlsCert, tlsKey, insecure, mirror } = flags;
  if (passwordStdin && username === undefined) {
    throw usageError("--password-stdin requires a user name.", "Add --username NAME.");
  }
  if (username !== undefined && !passwordStdin) {
    throw usageError(
      "--username requires a password.",
      "Pass the password on standard input: --password-stdin < FILE.",
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

/** Reads standard input, without the newline at its end. */
async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) {
    throw usageError(
      "Standard input is a terminal, which would show the password.",
      "Pass the password from a file or a program: --password-stdin < FILE.",
    );
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    length += chunk.length;
    if (length > maxPasswordBytes) {
      throw usageError("Standard input is too long for a password.", passwordHint);
    }
    chunks.push(chunk);
  }
  const password = Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, "");
  if (password === "") {
    throw usageError("Standard input contains no password.", passwordHint);
  }
  return password;
}
