import type { Inspection } from "../../inspect/index.js";
import { formatBytes, formatMemory, sanitize } from "../../support/index.js";
import { formatColumns } from "./format-table.js";

/** A label and its value; a row without a value is not printed. */
type Row = readonly [label: string, text: string | null | undefined];

const labelWidth = 11;

/** A table for people of the facts about an image. */
export function formatInspection(inspection: Inspection): string[] {
  const { layers, size, problems } = inspection;
  const count = layers.length === 1 ? "1 layer" : `${layers.length} layers`;
  return [
    ...lines([
      ["Image", inspection.reference],
      ["Digest", inspection.manifestDigest],
      ["Index", inspection.indexDigest],
      ["Platform", inspection.platform],
      ["Platforms", inspection.platforms.length > 1 ? inspection.platforms.join(", ") : undefined],
      ["Created", inspection.created],
      ["Signature", signatureOf(inspection)],
      ["Layers", `${count}, ${formatBytes(size)}`],
    ]),
    ...layerLines(inspection),
    ...lines([
      ["Kairos", releaseOf(inspection)],
      ["Kernel", kernelOf(inspection)],
      ["Initrd", initrdOf(inspection)],
      ["Name", inspection.name],
      ...estimateRows(inspection),
      ["Fetched", fetchedOf(inspection)],
      ...problems.map(({ message, hint }): Row => ["Problem", `${message} ${hint}`]),
    ]),
  ];
}

function lines(rows: readonly Row[]): string[] {
  return rows.flatMap(([label, text]) =>
    text === undefined || text === null ? [] : [`${label.padEnd(labelWidth)}${sanitize(text)}`],
  );
}

function layerLines({ layers }: Inspection): string[] {
  const rows = layers.map(({ digest, size, isRead }, index) => [
    String(index + 1),
    formatBytes(size),
    digest,
    isRead ? "" : "not read",
  ]);
  return formatColumns(rows, [0, 1]).map((row) => `  ${row}`);
}

function signatureOf({ signature }: Inspection): string | undefined {
  if (signature === null) return undefined;
  const { digest, signer } = signature;
  if (signer === null) return `valid, with this key, of ${digest}`;
  const { identity, issuer, sourceRepository } = signer;
  const repository = sourceRepository === null ? "" : `, for ${sourceRepository}`;
  return `valid, by ${identity} (issuer ${issuer}${repository}), of ${digest}`;
}

function releaseOf({ kairos }: Inspection): string | undefined {
  const { flavor, flavorRelease, variant, model, release, kubernetes, fips } = kairos;
  const system = [flavor, flavorRelease].filter(Boolean).join(" ");
  const parts = [release, system, variant, model, kubernetes, fips ? "FIPS" : undefined];
  return parts.filter(Boolean).join(", ") || undefined;
}

function kernelOf({ kernel }: Inspection): string | undefined {
  if (kernel === null) return undefined;
  const { path, version, size } = kernel;
  return `${path} (${version === null ? "" : `${version}, `}${formatBytes(size)})`;
}

function initrdOf({ initrd }: Inspection): string | undefined {
  return initrd === null ? undefined : `${initrd.path} (${formatBytes(initrd.size)})`;
}

function estimateRows({ estimate }: Inspection): Row[] {
  if (estimate === null) return [];
  const { squashfs, output, memory } = estimate;
  return [
    ["Squashfs", `about ${formatBytes(squashfs)}`],
    ["Output", `about ${formatBytes(output)}`],
    ["Memory", `machines need at least about ${formatMemory(memory)}`],
  ];
}

function fetchedOf({ fetched, size, layers }: Inspection): string {
  const count = layers.filter(({ isRead }) => isRead).length;
  const amount = `${formatBytes(fetched.bytes)} of ${formatBytes(size)}`;
  return `${amount}; read ${count} of ${layers.length} layers (${formatBytes(fetched.read)})`;
}
