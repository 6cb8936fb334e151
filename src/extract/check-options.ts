import { checkReleaseUrl, type WrittenNetbootJson } from "../artifacts/index.js";
import { checkArtifactName } from "../kairos/index.js";
import {
  readSignatureRequirement,
  recordRequirement,
  type SignatureRequirement,
} from "../signatures/index.js";
import {
  type CheckedRegistryAccess,
  checkReference,
  checkRegistryAccess,
  defaultCacheDirectory,
} from "../sources/index.js";
import { formatCompression, parseBlockSize, parseCompression } from "../squashfs/index.js";
import { type OptionRow, parseDuration, usageError } from "../support/index.js";
import { display } from "../tar/index.js";
import { type CheckedBootMedia, checkBootMedia, recordBootMedia } from "./boot-media-options.js";
import type { ExtractEvent } from "./extract-event.js";
import {
  type ExtractOptionTable,
  type ExtractTableOptions,
  extractOptionTable,
} from "./extract-option-table.js";
import type { ExtractOptions } from "./extract-options.js";
import {
  checkConsole,
  checkDirectory,
  checkJobs,
  checkPlatform,
  checkSbomFormat,
  checkWords,
  imagePath,
  readCloudConfigFile,
} from "./option-values.js";

type RecordedOptions = WrittenNetbootJson["options"];

type Value<Name extends keyof ExtractOptionTable> = ExtractOptionTable[Name] extends {
  readonly default: string;
}
  ? NonNullable<ExtractTableOptions[Name]>
  : ExtractTableOptions[Name];

interface Rule<Value, Checked> {
  /** Gets the default of the table, if there is one, for an option that is not given. */
  readonly check: (value: Value) => Checked;
  /** The value to record in `options` of netboot.json; absent if the option does not change the files. */
  readonly record: ((checked: Awaited<Checked>) => Partial<RecordedOptions>) | undefined;
}

function rule<Value, Checked>(
  check: Rule<Value, Checked>["check"],
  record?: Rule<Value, Checked>["record"],
): Rule<Value, Checked> {
  return { check, record };
}

const unchanged = <Value>(value: Value): Value => value;
const isSet = (value: boolean | undefined): boolean => value ?? false;

const rules = {
  platform: rule(checkPlatform),
  name: rule(
    (name) => (name === undefined ? undefined : checkArtifactName(name)),
    (name) => ({ name: name ?? null }),
  ),
  kernel: rule(imagePath, (path) => ({
    kernel: path === undefined ? null : display(path),
  })),
  initrd: rule(imagePath, (path) => ({
    initrd: path === undefined ? null : display(path),
  })),
  compression: rule(parseCompression, (compression) => ({
    compression: formatCompression(compression),
  })),
  blockSize: rule(parseBlockSize, (blockSize) => ({ blockSize })),
  cacheDir: rule((path) =>
    path === undefined ? defaultCacheDirectory() : checkDirectory(path, "--cache-dir"),
  ),
  cache: rule((cache) => cache ?? true),
  // Milliseconds.
  retryTimeout: rule((time) => parseDuration(time, "--retry-timeout")),
  jobs: rule(checkJobs),
  force: rule(isSet),
  url: rule(
    (url) => (url === undefined ? undefined : checkReleaseUrl(url)),
    (url) => ({ url: url ?? null }),
  ),
  cloudConfig: rule(
    async (path) => (path === undefined ? undefined : readCloudConfigFile(path)),
    (file) => ({ cloudConfig: file?.sha256 ?? null }),
  ),
  cmdline: rule(
    (words) => checkWords(words, "--cmdline"),
    (words) => ({ commandLine: words ?? null }),
  ),
  cmdlineReplace: rule(
    (words) => checkWords(words, "--cmdline-replace"),
    (words) => ({ commandLineReplacement: words ?? null }),
  ),
  console: rule(
    (consoles = []) => consoles.map(checkConsole),
    (consoles) => ({ consoles }),
  ),
  iso: rule(isSet),
  ipxeDir: rule(unchanged),
  uki: rule(isSet),
  ukiKey: rule(unchanged),
  ukiCert: rule(unchanged),
  sbom: rule(checkSbomFormat, (sbom) => ({ sbom: sbom ?? null })),
  verifyKey: rule(unchanged),
  verifyIdentity: rule(unchanged),
  verifyIssuer: rule(unchanged),
  verifySourceRepository: rule(unchanged),
  trustedRoot: rule(unchanged),
  signKey: rule(unchanged),
} satisfies {
  readonly [Name in keyof ExtractOptionTable]: { readonly check: (value: Value<Name>) => unknown };
};

type Rules = typeof rules;

/** The options of the table, each checked by its own rule. */
type CheckedTableOptions = {
  readonly [Name in keyof Rules]: Awaited<ReturnType<Rules[Name]["check"]>>;
};

/** Options that were checked and completed. */
export interface CheckedOptions extends CheckedTableOptions {
  readonly image: string;
  readonly output: string;
  /** The prerequisites of `iso` and `uki`; undefined if neither is wanted. */
  readonly bootMedia: CheckedBootMedia | undefined;
  /** Undefined if the image needs no signature. */
  readonly requiredSignature: SignatureRequirement | undefined;
  readonly registry: CheckedRegistryAccess;
  readonly emit: (event: ExtractEvent) => void;
}

/**
 * @throws NetbootError USAGE_INVALID, PLATFORM_INVALID, REFERENCE_INVALID, CLOUD_CONFIG_INVALID,
 *   KEY_INVALID, TRUSTED_ROOT_INVALID
 */
export async function checkOptions(options: ExtractOptions): Promise<CheckedOptions> {
  if (options.output === "") throw usageError("--output is empty.", "Name a directory: -o out/");
  checkReference(options.image);
  const checked = await checkTableOptions(options);
  return {
    ...checked,
    image: options.image,
    output: options.output,
    bootMedia: await checkBootMedia(checked),
    requiredSignature: await readSignatureRequirement(checked),
    registry: checkRegistryAccess(options.registry),
    emit: options.onEvent ?? (() => {}),
  };
}

async function checkTableOptions(options: ExtractTableOptions): Promise<CheckedTableOptions> {
  const checked: Record<string, unknown> = {};
  for (const name of Object.keys(rules) as (keyof Rules)[]) {
    const row: OptionRow = extractOptionTable[name];
    const { check } = rules[name] as Rule<unknown, unknown>;
    checked[name] = await check(options[name] ?? row.default);
  }
  return checked as unknown as CheckedTableOptions;
}

/** The `options` of netboot.json: equal options and an equal image give equal files. */
export function recordOptions(options: CheckedOptions): RecordedOptions {
  const records = (Object.keys(rules) as (keyof Rules)[]).map((name) => {
    const { record } = rules[name] as Rule<unknown, unknown>;
    return record?.(options[name]);
  });
  return Object.assign(
    {},
    ...records,
    recordBootMedia(options.bootMedia),
    recordSignature(options.requiredSignature),
  );
}

function recordSignature(
  requirement: SignatureRequirement | undefined,
): Pick<RecordedOptions, "signature"> {
  return requirement === undefined ? {} : { signature: recordRequirement(requirement) };
}
