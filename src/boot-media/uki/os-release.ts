/** What a boot menu shows of a unified kernel image (os-release(5)). */
export function osRelease(name: string, release: string | null): string {
  const version = release === null ? [] : [`VERSION_ID=${quoted(release)}`];
  const lines = ["ID=kairos", "NAME=Kairos", `PRETTY_NAME=${quoted(name)}`, ...version];
  return `${lines.join("\n")}\n`;
}

function quoted(text: string): string {
  return `"${text.replace(/[\n\r]/g, " ").replace(/["\\$`]/g, "\\$&")}"`;
}
