import { captureRule } from "../kairos/index.js";
import { isPackageDatabase } from "../sbom/index.js";
import type { CheckedOptions } from "./check-options.js";

/** Which files to keep as the layers stream past; package databases only for a list of packages. */
export function captureRuleFor(options: CheckedOptions): ReturnType<typeof captureRule> {
  const rule = captureRule(options);
  if (options.sbom === undefined) return rule;
  return (path, size) => rule(path, size) ?? (isPackageDatabase(path, size) ? "disk" : undefined);
}
