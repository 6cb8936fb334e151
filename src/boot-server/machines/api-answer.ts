import * as z from "zod";

/** The boot API's instructions for a machine. All URLs are absolute. */
export interface ApiBoot {
  readonly kernel: string;
  readonly initrds: readonly string[];
  /** Text, and URLs within it. The machine fetches these through this server. */
  readonly commandLine: readonly (string | { readonly url: string })[];
  /** Shown while the machine boots. */
  readonly message: string;
}

/** An answer that the API's description does not allow; the message says why. */
export class ApiAnswerError extends Error {}

const url = z.string().min(1);
const argument = z.union([z.string(), z.boolean(), z.object({ url })]);
const schema = z.object({
  kernel: url,
  initrd: z.array(url).nullish(),
  cmdline: z.union([z.string(), z.record(z.string(), argument)]).nullish(),
  message: z.string().nullish(),
});

/** The part of Go's text/template that this API uses: `{{ URL "x" }}`, also with backquotes. */
const action = /\{\{\s*URL\s+(?:"((?:[^"\\]|\\["\\])*)"|`([^`]*)`)\s*\}\}/g;

/**
 * Reads an answer of pixiecore's boot API (danderson/netboot, pixiecore/README.api.md).
 * @param base for relative URLs
 * @throws ApiAnswerError
 */
export function readApiAnswer(text: string, base: string): ApiBoot {
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ApiAnswerError([issue?.path.join("."), issue?.message].filter(Boolean).join(": "));
  }
  const { kernel, initrd, cmdline, message } = parsed.data;
  const parts = typeof cmdline === "string" ? templateParts(cmdline) : argumentParts(cmdline ?? {});
  const commandLine = parts.map((part) =>
    typeof part === "string" ? oneLine(part) : { url: absolute(part.url, base) },
  );
  return {
    kernel: absolute(kernel, base),
    initrds: (initrd ?? []).map((it) => absolute(it, base)),
    commandLine,
    message: message ?? "",
  };
}

type Part = ApiBoot["commandLine"][number];

function templateParts(text: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const { 0: whole, 1: quoted = "", 2: raw, index } of text.matchAll(action)) {
    parts.push(text.slice(end, index), { url: raw ?? quoted.replace(/\\(.)/g, "$1") });
    end = index + whole.length;
  }
  parts.push(text.slice(end));
  if (parts.every((part) => typeof part !== "string" || !part.includes("{{"))) return parts;
  throw new ApiAnswerError('cmdline: only {{ URL "…" }} is supported');
}

/** The older form: names and values. */
function argumentParts(values: Readonly<Record<string, z.infer<typeof argument>>>): Part[] {
  return Object.entries(values).flatMap(([name, value], index): Part[] => {
    const word = index === 0 ? name : ` ${name}`;
    if (value === true || value === "") return [word];
    if (value === false) throw new ApiAnswerError(`cmdline.${name}: cannot be false`);
    return typeof value === "string" ? [`${word}=${value}`] : [`${word}=`, value];
  });
}

/** iPXE would run what follows a line break as a command. */
function oneLine(text: string): string {
  if (!/[\u0000-\u001f]/.test(text)) return text;
  throw new ApiAnswerError("cmdline: contains a control character");
}

function absolute(text: string, base: string): string {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url.href;
  throw new ApiAnswerError(`${text} is not an HTTP URL`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiAnswerError("it is not valid JSON");
  }
}
