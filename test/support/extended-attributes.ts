import { spawnSync } from "node:child_process";

/** Extended attributes of all files below a directory, by relative path, in hexadecimal. */
export function attributesBelow(root: string): Map<string, Record<string, string>> {
  const args = ["-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "."];
  const { status, stdout, stderr } = spawnSync("getfattr", args, {
    cwd: root,
    encoding: "latin1",
    env: { ...process.env, LC_ALL: "C" },
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`getfattr: ${stderr}`);
  const found = new Map<string, Record<string, string>>();
  let current: Record<string, string> = {};
  for (const line of stdout.split("\n")) {
    const file = /^# file: (?:\.\/)?(.*)$/s.exec(line);
    if (file !== null) {
      current = {};
      found.set(unquoted(file[1]!), current);
    } else if (line !== "") {
      const equals = line.indexOf("=0x");
      const name = equals === -1 ? line.replace(/=$/, "") : line.slice(0, equals);
      current[unquoted(name)] = equals === -1 ? "" : line.slice(equals + 3);
    }
  }
  return found;
}

/** getfattr prints newlines and backslashes as octal escapes. */
function unquoted(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
